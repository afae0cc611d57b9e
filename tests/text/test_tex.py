"""TeX in running text, and formulas as plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.tex import to_text
from papers.text.tex_math import to_unicode
from papers.text.tex_tables import in_alphabet


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"UniDemoir\'e: Towards Universal Image Demoir\'eing", "UniDemoiré: Towards Universal Image Demoiréing"),
        (r"Schr\"odinger, Schr\"{o}dinger, Schr{\"o}dinger", "Schrödinger, Schrödinger, Schrödinger"),
        (r"Erd\H{o}s--R{\'e}nyi", "Erdős–Rényi"),
        (r"Poincar\'{e}, Marf\'{\i}a, R{\' e}nyi, {\'E}tale", "Poincaré, Marfía, Rényi, Étale"),
        (r"\c{C}a\u{g}lar, Ko\v{s}ir, Hn\u etynkov\'a", "Çağlar, Košir, Hnĕtynková"),
        (r"S\o ren, {\O}rsted, \L{}ukasz, Stra\ss{}e, \AA ngstr\"om", "Søren, Ørsted, Łukasz, Straße, Ångström"),
        (r"El Ni\~no, \^{i}le, Mis\`ere, \=a, \.Zelazko", "El Niño, île, Misère, ā, Żelazko"),
        (r"the Earth\'s crust", "the Earth's crust"),
        (r"he said \"hello\" twice", 'he said "hello" twice'),
        (r"TGF-\b{eta} and \r{ho} at 30{\deg}C", "TGF-β and ρ at 30°C"),  # {\beta} as arXiv's forms stored it
        ("caf{é} {N}eural {BERT} 10{,}000", "café Neural BERT 10,000"),
    ],
)
def test_accents_and_letters_become_unicode(source: str, expected: str) -> None:
    assert to_text(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\textbf{Personalize Anything} for \emph{free}", "Personalize Anything for free"),
        (r"{\em Ab initio} and {\bf so} on, pre{\it fix}ed", "Ab initio and so on, prefixed"),
        (r"\textbf{nested \emph{and} {\it more}}", "nested and more"),
        (r"\textcolor{red}{warm} and \underline{U}nder", "warm and Under"),
        (r"\texorpdfstring{$x$}{ex} \footnote{Or so.}", "ex  (Or so.)"),
        (r"$\textbf{C}$hain-$\textit{of}$-thought $\unicode{x2013}$ so", "Chain-of-thought – so"),
        (r"99\% \& 5\_a \#1 \{b\} 3\,km 4~km", "99% & 5_a #1 {b} 3 km 4 km"),
        (r"\begin{itemize}\item one \item two\end{itemize}", "\n\n• one \n\n• two"),
        (r"first\par second", "first\n\nsecond"),
        (r"we propose \ours{}, \method, and \model\xspace too", "we propose ours, method, and model too"),
        (r"\SI{5}{\um} of \ion{Fe}{II}, \ce{H2O}", "5 μm of Fe II, H2O"),
        (r"\verb|a_b| and \enquote{so}", "a_b and “so”"),
        ("a -- b --- c, x--y, s<-->t", "a – b — c, x–y, s<-->t"),
        ("``quoted'' and `so' but don't, 5''", "“quoted” and ‘so’ but don't, 5''"),
        (r"$^{13}$C, CO_{2}, 10^{-3}, x_{i,j}, M_\odot, 30^\circ", "$^{13}$C, CO₂, 10⁻³, x_{i,j}, M☉, 30°"),
        (r"\alpha-decay of \dot M and \hat{x}, \frac{1}{2} \sqrt{n}", "α-decay of Ṁ and x̂, 1/2 √n"),
        (r"a set {1, 2} and {0,1}", "a set {1, 2} and {0,1}"),
        (r'"\n\n" and \d+ and C:\x', r'"\n\n" and \d+ and C:\x'),
    ],
)
def test_markup_goes_and_words_stay(source: str, expected: str) -> None:
    assert to_text(source).strip() == expected.strip()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"as shown~\cite{a,b}.", "as shown."),
        (r"as shown \citep[see][p. 3]{a}, so", "as shown, so"),
        (r"as in~\ref{fig} \label{x}there", "as in there"),
    ],
)
def test_citations_go_without_a_hole(source: str, expected: str) -> None:
    assert to_text(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\href{https://a.example/b_c}{https://a.example/b_c}", "https://a.example/b_c"),
        (r"\href{https://a.example/}{a.example}", "https://a.example/"),
        (r"our \href{https://a.example/b\_c}{\textbf{page}}.", "our page (https://a.example/b_c)."),
        (r"\url{https://a.example/b\_c}", "https://a.example/b_c"),
        (r"see https://a.example/b--c\_d/~e, or", "see https://a.example/b--c_d/~e, or"),
    ],
)
def test_links_keep_their_address(source: str, expected: str) -> None:
    assert to_text(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("of ~10 and (~20) and /~home", "of ~10 and (~20) and /~home"),
        (r"Fig.~3, SNe~Ia, $x$~km, \emph{a}~10", "Fig. 3, SNe Ia, $x$ km, a 10"),
    ],
)
def test_a_tilde_that_ties_words_is_told_from_about(source: str, expected: str) -> None:
    assert to_text(source) == expected


def test_an_escaped_dollar_stays_escaped_only_where_it_would_begin_a_formula() -> None:
    assert to_text(r"costs \$5 to \$10") == "costs $5 to $10"
    assert to_text(r"\$x\$ is text, $y$ is not") == r"\$x\$ is text, $y$ is not"


def test_formulas_are_kept_as_they_are() -> None:
    source = r"\emph{a} $\mathcal{O}(n~\log n)$ -- \(x\'\) $$\textbf{a}b--c$$"
    assert to_text(source) == r"a $\mathcal{O}(n~\log n)$ – \(x\'\) $$\textbf{a}b--c$$"


@given(st.text(alphabet="\\{}$~^_[]()'\"`-abc emph1\n", max_size=80))
def test_unbalanced_tex_never_fails(source: str) -> None:
    to_text(source)
    to_unicode(source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\ell_1", "ℓ₁"),
        (r"\alpha_1", "α₁"),
        (r"\mathbb{R}^d", "ℝᵈ"),
        (r"d^N=0", "dᴺ=0"),
        (r"\mathcal{O}(n\log n)", "O(n log n)"),
        (r"M_\odot", "M☉"),
        (r"T_{\rm eff}", "T_eff"),
        (r"x_{i,j}", "x_{i,j}"),
        (r"10^{-3}", "10⁻³"),
        (r"\frac{1}{2} + \frac{a+b}{c} + \frac12", "1/2 + (a+b)/c + 1/2"),
        (r"\sqrt{x+1} \sqrt[3]{y}", "√(x+1) ³√y"),
        (r"\hat{x}_t \bar\rho \overline{AB}", "x̂ₜ ρ̄AB"),
        (r"x\in X, y \in Y, z \not\in Z", "x∈X, y ∈ Y, z ∉Z"),
        (r"\alpha x, \alpha = 1", "αx, α = 1"),
        (r"50~\mathrm{km\,s^{-1}}", "50 km s⁻¹"),
        (r"\text{for all } x\text{-axes}", "for all x-axes"),
        (r"\left( x \right] f''(x)", "( x ] f′′(x)"),
        (r"\begin{pmatrix} a & b \\ c & d\end{pmatrix}", "a b ; c d"),
        (r"\binom{n}{k} \pmod{p}", "(n choose k) (mod p)"),
        (r"\unicode{x2030} \unicode{x202e}", "‰"),
        (r"\ours(x)", "ours(x)"),
        (r"\mathfrak{g}\mathbf{x}\mathds{1}", "𝔤x𝟙"),
        (r"\phantom{x}\hspace{1em}\color{red}a", "a"),
    ],
)
def test_a_formula_reads_as_one_line(source: str, expected: str) -> None:
    assert to_unicode(source) == expected


def test_letters_of_an_alphabet_use_the_older_places_too() -> None:
    assert in_alphabet("ABCRab1", "double-struck") == "𝔸𝔹ℂℝ𝕒𝕓𝟙"
    assert in_alphabet("ABae!", "script") == "𝒜ℬ𝒶ℯ!"
    assert in_alphabet("aΓω", "bold") == "𝐚𝚪𝛚"
