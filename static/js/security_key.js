// Security keys and passkeys: asks the browser for one, and sends what it answers with the form.
"use strict";

(() => {
  const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const textOf = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (credentials) => (credentials ?? []).map((one) => ({ ...one, id: bytesOf(one.id) }));

  async function make(options) {
    const asked = { ...options, challenge: bytesOf(options.challenge), excludeCredentials: known(options.excludeCredentials) };
    const made = await navigator.credentials.create({ publicKey: { ...asked, user: { ...options.user, id: bytesOf(options.user.id) } } });
    const transports = made.response.getTransports?.() ?? [];
    return answer(made, { attestationObject: textOf(made.response.attestationObject), transports });
  }

  async function show(options) {
    const asked = { ...options, challenge: bytesOf(options.challenge), allowCredentials: known(options.allowCredentials) };
    const shown = await navigator.credentials.get({ publicKey: asked });
    const { authenticatorData, signature, userHandle } = shown.response;
    return answer(shown, {
      authenticatorData: textOf(authenticatorData),
      signature: textOf(signature),
      userHandle: userHandle ? textOf(userHandle) : null,
    });
  }

  function answer(credential, more) {
    return {
      id: credential.id,
      rawId: textOf(credential.rawId),
      type: credential.type,
      response: { clientDataJSON: textOf(credential.response.clientDataJSON), ...more },
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  }

  const words = {
    InvalidStateError: "This key is already added.",
    NotAllowedError: "No key was used. Try again when you have it ready.",
    SecurityError: "Your browser does not allow security keys at this address.",
  };

  for (const form of document.querySelectorAll("[data-security-key]")) {
    const said = form.querySelector("[data-said]");
    const button = form.querySelector("button[type=submit]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      said.hidden = true;
      button.disabled = true;
      try {
        if (!window.PublicKeyCredential) throw new DOMException("", "NotSupportedError");
        const ask = form.dataset.securityKey === "make" ? make : show;
        form.elements.credential.value = JSON.stringify(await ask(JSON.parse(form.dataset.options)));
        form.submit();
      } catch (error) {
        said.textContent = words[error.name] ?? "Your browser does not support security keys here.";
        said.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
