r"""What a TeX command stands for: a Unicode character, an accent, or another command.

The tables are written as words by turns: a name (without its backslash) and what it stands for.
"""

import re


def word_pairs(text: str) -> dict[str, str]:
    """A table from its words by turns."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def word_set(text: str) -> frozenset[str]:
    """The words of a list, as a set."""
    return frozenset(text.split())


# fmt: off
# Accents that combine with the letter after them in text: \'e, \c{c}, \H{o}.
TEXT_ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331",
}

# Accents in formulas: \hat{x}. Over several letters they are dropped in plain text.
MATH_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304",
    "overline": "\u0304", "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7", "overrightarrow": "\u20d7",
    "check": "\u030c", "breve": "\u0306", "acute": "\u0301", "grave": "\u0300", "mathring": "\u030a",
    "Tilde": "\u0303", "Hat": "\u0302", "Bar": "\u0304", "Vec": "\u20d7", "Dot": "\u0307",
}
# fmt: on

# Letters; TeX swallows the space that ends their name ("S\o ren").
LETTERS = word_pairs("""
o ø O Ø l ł L Ł ss ß SS SS ae æ AE Æ oe œ OE Œ aa å AA Å i ı j ȷ dh ð DH Ð th þ TH Þ dj đ DJ Đ ng ŋ NG Ŋ
""")

GREEK = word_pairs("""
alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ varkappa ϰ
lambda λ mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ
chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
""")

SYMBOLS = (
    GREEK
    | {"xspace": ""}
    | word_pairs(r"""
times × pm ± mp ∓ cdot · ast ∗ star ⋆ circ ∘ bullet • div ÷ cap ∩ cup ∪ uplus ⊎ sqcup ⊔ sqcap ⊓ wedge ∧ land ∧
vee ∨ lor ∨ setminus ∖ smallsetminus ∖ oplus ⊕ ominus ⊖ otimes ⊗ odot ⊙ oslash ⊘ boxplus ⊞ boxtimes ⊠ rtimes ⋊
ltimes ⋉ wr ≀ amalg ⨿ dagger † dag † ddagger ‡ ddag ‡ S § P ¶ diamond ⋄ Diamond ◇ square □ Box □ blacksquare ■
bigstar ★ bigcirc ◯ triangle △ bigtriangleup △ bigtriangledown ▽ triangleright ▷ triangleleft ◁ checkmark ✓
clubsuit ♣ heartsuit ♡ leq ≤ le ≤ leqslant ≤ geq ≥ ge ≥ geqslant ≥ neq ≠ ne ≠ approx ≈ sim ∼ thicksim ∼ simeq ≃
cong ≅ equiv ≡ propto ∝ asymp ≍ doteq ≐ ll ≪ gg ≫ lll ⋘ ggg ⋙ lesssim ≲ gtrsim ≳ lessapprox ⪅ gtrapprox ⪆ lsim ≲
gsim ≳ apgt ≳ aplt ≲ prec ≺ succ ≻ preceq ⪯ succeq ⪰ in ∈ notin ∉ ni ∋ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇
subsetneq ⊊ sqsubseteq ⊑ sqsubset ⊏ mid ∣ nmid ∤ parallel ∥ perp ⊥ bot ⊥ top ⊤ models ⊨ vdash ⊢ dashv ⊣ vDash ⊨
Vdash ⊩ triangleq ≜ coloneqq ≔ to → rightarrow → longrightarrow ⟶ leftarrow ← gets ← longleftarrow ⟵
leftrightarrow ↔ longleftrightarrow ⟷ Rightarrow ⇒ Longrightarrow ⟹ implies ⟹ Leftarrow ⇐ Leftrightarrow ⇔
Longleftrightarrow ⟺ iff ⟺ mapsto ↦ longmapsto ⟼ uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓
nearrow ↗ searrow ↘ nwarrow ↖ swarrow ↙ hookrightarrow ↪ hookleftarrow ↩ rightharpoonup ⇀ leftrightharpoons ⇋
rightleftharpoons ⇌ rightrightarrows ⇉ twoheadrightarrow ↠ rightsquigarrow ⇝ leadsto ⇝ circlearrowright ↻ infty ∞
partial ∂ nabla ∇ forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ emptyset ∅ varnothing ∅ aleph ℵ hbar ℏ hslash ℏ ell ℓ
wp ℘ Re Re Im Im imath ı jmath ȷ eth ð prime ′ backprime ‵ angle ∠ sphericalangle ∢ degree ° textdegree ° deg °
arcsec ″ arcmin ′ arcdeg ° degr ° farcs ″ farcm ′ fdg ° sharp ♯ flat ♭ natural ♮ Bbbk 𝕜 complement ∁ mho ℧ beth ℶ
sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ bigvee ⋁ bigwedge ⋀
bigsqcup ⨆ sqrt √ surd √ langle ⟨ rangle ⟩ lceil ⌈ rceil ⌉ lfloor ⌊ rfloor ⌋ vert | lvert | rvert | Vert ‖ lVert ‖
rVert ‖ lbrace { rbrace } lbrack [ rbrack ] llbracket ⟦ rrbracket ⟧ colon : dots … ldots … dotsc … dotsb ⋯ dotsm ⋯
dotso … cdots ⋯ vdots ⋮ ddots ⋱ textellipsis … backslash \ textbackslash \ lt < gt > textless < textgreater >
textasciitilde ~ textasciicircum ^ textunderscore _ textbar | slash / textendash – textemdash — textquoteleft ‘
textquoteright ’ textquotedblleft “ textquotedblright ” lq ‘ rq ’ guillemotleft « guillemotright » textregistered ®
textcopyright © copyright © texttrademark ™ TM ™ circledR ® pounds £ textsterling £ texteuro € euro € yen ¥
textbullet • textperiodcentered · texttimes × textpm ± textmu µ textmicro µ textrightarrow → textleftarrow ←
textdegrees ° textpertenthousand ‱ perthousand ‰ permil ‰ percent % textpercent % textonehalf ½ textsection §
textparagraph ¶ numero № micron μm um μm upmu μ chiup χ lambdabar ƛ sun ☉ astrosun ☉ earth ⊕ Msun M☉ msun M☉
LaTeX LaTeX TeX TeX BibTeX BibTeX Tilde ~ And & dollar $ ldotp . textvisiblespace ␣ eg e.g. ie i.e. etc etc.
wrt w.r.t. % % & & _ _ # # { { } } | ‖
""")
)

FUNCTIONS = word_set("""
arccos arcsin arctan arg argmax argmin cos cosh cot coth csc det dim exp gcd hom inf injlim ker lg lim liminf
limsup ln log max min mod Pr projlim sec sin sinh sup tan tanh varliminf varlimsup
""")

# fmt: off
SUPERSCRIPTS = dict(zip(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθιφχ∗*′∘†⊤",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᶥᵠᵡ**′°†ᵀ",
    strict=True,
))
SUBSCRIPTS = dict(zip(
    "0123456789+-−=()aehijklmnoprstuvxβγρφχ⊙☉⊕",
    "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ☉☉⊕",
    strict=True,
))
# fmt: on

# Commands in formulas that stand for others: of packages, of older TeX, and of authors who all mean the same by them.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FONT_PREFIXES = {"c": "mathcal", "cal": "mathcal", "bb": "mathbb", "bf": "mathbf"}
_OPERATORS = word_set("""
Re Im poly polylog tr Tr diag rank sign sgn supp Hom End Ext Aut Gal Spec Proj GL SL PSL PGL SU SO Sp Mod Var Cov
KL dom softmax arg Pic Out Ker Vol vol Ric erf sech csch sinc grad curl lcm ord Sym Lie Ind Res Tor Irr coker
""")
_WITHOUT_MEANING = word_set("""
boldmath unboldmath xspace allowbreak nobreak protect nolinebreak null relax small scriptsize tiny large Large
footnotesize normalsize noindent textstyle scriptstyle scriptscriptstyle displaystyle nolimits limits ensuremath
strut mathstrut nonumber notag hfill unskip leavevmode mathit mathnormal
""")
MATH_ALIASES = (
    dict.fromkeys(_WITHOUT_MEANING, "")
    | {name: rf"\operatorname{{{name}}}" for name in _OPERATORS}
    | {prefix + letter: rf"\{font}{{{letter}}}" for prefix, font in _FONT_PREFIXES.items() for letter in _LETTERS}
    | {f"{letter}cal": rf"\mathcal{{{letter}}}" for letter in _LETTERS}
    | word_pairs(r"""
mathds \mathbb mathbbm \mathbb mathbbmss \mathbb mbb \mathbb bbm \mathbb bb \mathbb mathpzc \mathcal Cal \mathcal
mcal \mathcal mathbfcal \mathcal calligra \mathcal mathbold \boldsymbol bs \boldsymbol pmb \boldsymbol mb \mathbf
mbf \mathbf textbf \mathbf em \it itshape \it sl \it sc \rm rmfamily \rm sfrac \frac nicefrac \frac flatfrac \frac
CC \mathbb{C} EE \mathbb{E} FF \mathbb{F} NN \mathbb{N} PP \mathbb{P} QQ \mathbb{Q} RR \mathbb{R} TT \mathbb{T}
ZZ \mathbb{Z} C \mathbb{C} N \mathbb{N} Q \mathbb{Q} R \mathbb{R} Z \mathbb{Z} reals \mathbb{R} al \alpha
lam \lambda om \omega Om \Omega Ga \Gamma EuScript \mathscr unit \mathrm sp ^ sb _ textsuperscript ^
textsubscript _ lbrace \{ rbrace \} Tilde \tilde Hat \hat Bar \bar Vec \vec Dot \dot Ddot \ddot wt \widetilde
wh \widehat ol \overline uline \underline ul \underline eps \epsilon veps \varepsilon ra \rightarrow dd \mathrm{d}
bigO \mathcal{O} LaTeX \text{LaTeX} TeX \text{TeX} kms \text{km/s} kpc \text{kpc} Mpc \text{Mpc} cm \text{cm}
Msun M_\odot msun M_\odot MSUN M_\odot Lsun L_\odot Rsun R_\odot colon : textcelsius \text{°C} colonequals :=
hdots \dots
""")
)

# Where the mathematical alphabets start (Unicode 1D400 and on): capital A, small a, digit 0 (None: no digits there).
_ALPHABETS: dict[str, tuple[int, int, int | None]] = {
    "bold": (0x1D400, 0x1D41A, 0x1D7CE),
    "italic": (0x1D434, 0x1D44E, None),
    "bold-italic": (0x1D468, 0x1D482, None),
    "script": (0x1D49C, 0x1D4B6, None),
    "fraktur": (0x1D504, 0x1D51E, None),
    "double-struck": (0x1D538, 0x1D552, 0x1D7D8),
    "sans-serif": (0x1D5A0, 0x1D5BA, 0x1D7E2),
    "sans-serif-italic": (0x1D608, 0x1D622, None),
    "monospace": (0x1D670, 0x1D68A, 0x1D7F6),
}
# Bold Greek letters: capital alpha, small alpha.
_GREEK_ALPHABETS = {"bold": (0x1D6A8, 0x1D6C2), "bold-italic": (0x1D71C, 0x1D736)}
# Letters that were in Unicode before the alphabets, and whose places there are empty.
_HOLES = {
    "italic": {"h": "ℎ"},
    "script": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True)),
    "fraktur": dict(zip("CHIRZ", "ℭℌℑℜℨ", strict=True)),
    "double-struck": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)),
}


def in_alphabet(text: str, alphabet: str) -> str:
    """`text` in the letters of a mathematical alphabet, named as MathML's mathvariant; what it lacks stays as it is."""
    return "".join(_letter(char, alphabet) for char in text)


def character(code: str) -> str:
    r"""The character of MathJax's `\unicode{x2013}` or `\unicode{8211}`; empty for one that cannot be seen."""
    digits = code.strip()
    if not re.fullmatch(r"x[0-9a-fA-F]{2,5}|[0-9]{2,6}", digits):
        return ""
    char = chr(int(digits[1:], 16) if digits[0] == "x" else int(digits))
    return char if char.isprintable() else ""


def _letter(char: str, alphabet: str) -> str:
    upper, lower, zero = _ALPHABETS[alphabet]
    if char in _HOLES.get(alphabet, ()):
        return _HOLES[alphabet][char]
    if "A" <= char <= "Z":
        return chr(upper + ord(char) - ord("A"))
    if "a" <= char <= "z":
        return chr(lower + ord(char) - ord("a"))
    if "0" <= char <= "9" and zero is not None:
        return chr(zero + ord(char) - ord("0"))
    if alphabet in _GREEK_ALPHABETS:
        greek_upper, greek_lower = _GREEK_ALPHABETS[alphabet]
        if "Α" <= char <= "Ω":
            return chr(greek_upper + ord(char) - ord("Α"))
        if "α" <= char <= "ω":
            return chr(greek_lower + ord(char) - ord("α"))
    return char
