# ruff: noqa: E501  the markup stands as such sites write it
"""Pages with what a reader wants of each, and what is there on every page of its site.

Those in `files/pages` were made by programs from one text; the others are written by hand after the sites they stand for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_FILES = Path(__file__).parent / "files" / "pages"


@dataclass(frozen=True)
class SamplePage:
    """A page, the pieces of its content in their order, and pieces that are none of it."""

    html: bytes
    content: tuple[str, ...]
    boilerplate: tuple[str, ...]


def sample_pages() -> dict[str, SamplePage]:
    made = {name: SamplePage((_FILES / f"{name}.html").read_bytes(), *told) for name, told in _MADE.items()}
    return made | {name: SamplePage(html.encode(), *told) for name, (html, *told) in _WRITTEN.items()}


_GUIDE = (
    "Berth allocation guide",
    "The harbour office assigns a berth to every vessel before arrival.",
    "Requesting a berth",
    "Send the form to the office.",
    "Wait for the slot number.",
    "Tankers wait for the fire officer too.",
    "Confirm the slot within six hours.",
    "Fees by class of vessel.",
    "Vessel class",
    "Coaster",
    "410 EUR",
    "Feeder",
    "Calling the interface",
    "The interface answers in JSON",
    "return [b for b in berths if b < 3 and not b & 1]",
    "The short time when the tide does not run.",
    "Fishing boats under 12 m are exempt from the notice.",
)
_MARKDOWN_GUIDE = tuple(piece for piece in _GUIDE if piece != "Fees by class of vessel.")
_SPHINX_GUIDE = (
    *_GUIDE[:12],
    "Ice class vessels pay no surcharge in winter.",
    *_GUIDE[12:15],
    "Gives a vessel its berth and returns the slot number.",
    "The name under which the vessel is registered.",
    *_GUIDE[15:],
)

_MADE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "pandoc": (_GUIDE, ("TOC",)),
    "libreoffice": (_GUIDE, ()),
    "sphinx": (
        _SPHINX_GUIDE,
        ("Other page of the manual", "Table of Contents", "Powered by", "Page source", "Quick search"),
    ),
    "furo": (
        _SPHINX_GUIDE,
        ("Other page of the manual", "On this page", "Made with", "Toggle site navigation", "View this page"),
    ),
    "mkdocs": (_MARKDOWN_GUIDE, ("Built with", "Search docs", "Harbour Docs", "Docs »")),
    "material": (
        _MARKDOWN_GUIDE,
        ("Made with", "Skip to content", "Home of the harbour", "Table of contents", "Initializing search"),
    ),
}

_DOCUSAURUS = (
    """<!doctype html><html lang="en" dir="ltr" class="docs-wrapper plugin-docs"><head><meta charset="UTF-8">
<title>Moor a vessel | Quayside</title><meta property="og:title" content="Moor a vessel"></head><body>
<div id="__docusaurus"><div role="region" aria-label="Skip to main content"><a class="skipToContent_fXgn" href="#c">Skip to main
content</a></div><nav aria-label="Main" class="navbar navbar--fixed-top"><div class="navbar__inner"><a class="navbar__brand"
href="/"><b class="navbar__title text--truncate">Quayside</b></a><a class="navbar__item navbar__link" href="/blog">Blog posts</a>
<button class="clean-btn" title="dark mode">Switch theme</button></div></nav><div class="main-wrapper"><div class="docsWrapper_x">
<button aria-label="Scroll back to top" class="clean-btn theme-back-to-top-button">Scroll up</button><div class="docRoot_U">
<aside class="theme-doc-sidebar-container docSidebarContainer_b"><ul class="theme-doc-sidebar-menu menu__list"><li><a
class="menu__link" href="/docs/install">Install the agent</a></li><li><a class="menu__link" href="/docs/moor">Moor</a></li></ul>
</aside><main class="docMainContainer_gTbr"><div class="container padding-top--md"><div class="row"><div class="col docItemCol_V">
<div class="docItemContainer_D"><article><nav class="theme-doc-breadcrumbs breadcrumbsContainer_Z"><ul class="breadcrumbs"><li
class="breadcrumbs__item"><a href="/">Home crumb</a></li></ul></nav><div class="theme-doc-markdown markdown"><header><h1>Moor a
vessel</h1></header><p>Every agent talks to the <code>quay</code> daemon over a socket.</p><div class="theme-admonition
theme-admonition-tip admonition_x alert alert--success"><div class="admonitionHeading_G"><span class="admonitionIcon_R"><svg
viewBox="0 0 1 1"><title>tip icon</title></svg></span>tip</div><div class="admonitionContent_B"><p>Lines of polyamide stretch by a
fifth.</p></div></div><h2 class="anchor" id="start">Start the daemon<a href="#start" class="hash-link"
aria-label="Direct link">\u200b</a></h2><div class="language-bash codeBlockContainer_C theme-code-block"><div
class="codeBlockContent_b"><pre class="prism-code language-bash codeBlock_b"><code class="codeBlockLines_e"><span
class="token-line" style="color:#393A34"><span class="token plain">quay start </span><span class="token parameter">--port</span><span
class="token plain"> 7070</span><br></span><span class="token-line" style="color:#393A34"><span class="token plain">quay status</span><br>
</span></code></pre><div class="buttonGroup__atx"><button type="button" class="clean-btn">Copy</button></div></div></div><details
class="details_l alert"><summary>What if the port is taken?</summary><div><p>The daemon takes the next free port and says
so.</p></div></details></div><footer class="theme-doc-footer docusaurus-mt-lg"><a class="theme-edit-this-page" href="/e">Edit this
page</a><span class="theme-last-updated">Last updated by Ola</span></footer></article><nav class="pagination-nav"
aria-label="Docs pages"><a class="pagination-nav__link" href="/n"><div class="pagination-nav__label">Next: Unmoor</div></a></nav>
</div></div><div class="col col--3"><div class="tableOfContents_b thin-scrollbar theme-doc-toc-desktop"><ul
class="table-of-contents"><li><a href="#start" class="table-of-contents__link">Start the daemon (toc)</a></li></ul></div></div>
</div></div></main></div></div></div><footer class="theme-layout-footer footer footer--dark"><div>Copyright © 2026
Quayside</div></footer></div></body></html>""",
    (
        "Moor a vessel",
        "Every agent talks to the `quay` daemon over a socket.",
        "Lines of polyamide stretch by a fifth.",
        "Start the daemon",
        "quay start --port 7070\nquay status",
        "What if the port is taken?",
        "The daemon takes the next free port and says so.",
    ),
    ("Skip to main", "Blog posts", "Switch theme", "Scroll up", "Install the agent", "Home crumb", "tip icon", "Copy", "Edit this",
     "Last updated", "Unmoor", "(toc)"),
)  # fmt: skip

_WORDPRESS = (
    """<!DOCTYPE html><html lang="de"><head><meta charset="utf-8"><title>Eisgang im Hafen – Hafenblog</title>
<link rel="canonical" href="https://hafenblog.example/eisgang/"><meta property="article:published_time"
content="2025-02-03T08:00:00+01:00"><script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"Article",
"headline":"Eisgang im Hafen","author":{"@type":"Person","name":"Jule Harms"},"datePublished":"2025-02-03T08:00:00+01:00"}]}</script>
</head><body class="post-template-default single has-sidebar"><div id="page" class="site"><a class="skip-link screen-reader-text"
href="#content">Zum Inhalt springen</a><div class="cookie-notice" id="cookie-law-info-bar"><p>Wir verwenden Cookies, um Ihnen das
beste Erlebnis zu bieten.</p><button>Akzeptieren</button></div><header id="masthead" class="site-header"><div
class="site-branding"><h1 class="site-title"><a href="/" rel="home">Hafenblog</a></h1><p class="site-description">Neues vom
Kai</p></div><nav id="site-navigation" class="main-navigation"><ul class="menu"><li class="menu-item"><a href="/w">Wetterseite</a></li>
</ul></nav></header><div id="content" class="site-content"><div id="primary" class="content-area"><div id="main" class="site-main">
<article id="post-7" class="post-7 post type-post"><header class="entry-header"><h1 class="entry-title">Eisgang im Hafen</h1><div
class="entry-meta">Von Jule Harms</div></header><div class="entry-content"><p>Seit Montag treibt Eis auf der Elbe, und die Schlepper
fahren&nbsp;nur bei Tag.</p><figure class="wp-block-image"><img src="/e.jpg" alt="Schollen vor dem Kai"><figcaption>Schollen am
Südkai, Sonntagmittag.</figcaption></figure><h2>Was jetzt gilt</h2><ul class="wp-block-list"><li>Höchstens vier Knoten im
Becken.</li><li>Lotsen melden sich auf Kanal 12.</li></ul><table><thead><tr><th>Becken</th><th>Eisdicke</th></tr></thead><tbody><tr>
<td>Süd</td><td>12&nbsp;cm</td></tr></tbody></table><blockquote class="wp-block-quote"><p>So viel Eis sah ich zuletzt
1996.</p><footer>Die Hafenmeisterin</footer></blockquote><div class="sharedaddy sd-sharing-enabled"><h3
class="sd-title">Teilen mit:</h3><ul><li><a href="#">Facebook</a></li></ul></div><div id="jp-relatedposts"
class="jp-relatedposts"><h3>Ähnliche Beiträge</h3><a href="/s">Sturmflut im Januar</a></div></div><footer class="entry-footer"><span
class="tags-links">Schlagwörter: <a href="/t">Winter</a></span></footer></article><nav class="navigation post-navigation"><a
href="/v">Voriger Beitrag</a></nav><div id="comments" class="comments-area"><ol class="comment-list"><li class="comment"><article>
<p>Auf Kanal 12 hört man seit gestern nichts.</p></article></li></ol><div id="respond" class="comment-respond"><h3
id="reply-title">Schreibe einen Kommentar</h3><form id="commentform" class="comment-form"><p>Deine E-Mail-Adresse wird nicht
veröffentlicht.</p><textarea name="comment"></textarea><input name="author"></form></div></div></div></div><aside id="secondary"
class="widget-area"><section class="widget"><h2>Archiv der Beiträge</h2><ul><li><a href="/a">Januar</a></li></ul></section></aside>
</div><footer id="colophon" class="site-footer"><div class="site-info">Stolz präsentiert von WordPress</div></footer></div>
</body></html>""",
    (
        "Eisgang im Hafen",
        "Von Jule Harms",
        "Seit Montag treibt Eis auf der Elbe, und die Schlepper fahren nur bei Tag.",
        "Schollen am Südkai, Sonntagmittag.",
        "Was jetzt gilt",
        "Höchstens vier Knoten im Becken.",
        "Lotsen melden sich auf Kanal 12.",
        "Becken",
        "12 cm",
        "So viel Eis sah ich zuletzt 1996.",
        "Die Hafenmeisterin",
        "Auf Kanal 12 hört man seit gestern nichts.",
    ),
    ("Zum Inhalt", "Cookies", "Akzeptieren", "Neues vom Kai", "Wetterseite", "Teilen mit", "Facebook", "Ähnliche", "Sturmflut",
     "Schlagwörter", "Voriger", "Schreibe einen", "Deine E-Mail", "Archiv der", "Stolz"),
)  # fmt: skip

_CONFLUENCE = (
    """<!DOCTYPE html><html><head><title>Harbour IT : Pager rota</title><link rel="stylesheet" href="styles/site.css"
type="text/css"/></head><body class="theme-default aui-theme-default"><div id="page"><div id="main" class="aui-page-panel"><div
id="main-header"><div id="breadcrumb-section"><ol id="breadcrumbs"><li class="first"><span><a href="index.html">Space
home crumb</a></span></li></ol></div><h1 id="title-heading" class="pagetitle"><span id="title-text">Harbour IT : Pager
rota</span></h1></div><div id="content" class="view"><div class="page-metadata">Created by <span class='author'>Kim Oyelaran</span>,
last modified on Jan 09, 2026</div><div id="main-content" class="wiki-content group"><p>The rota changes on Mondays at nine.</p><h2
id="Pagerrota-Levels">Levels</h2><div class="table-wrap"><table class="confluenceTable"><tbody><tr><th
class="confluenceTh"><p>Level</p></th><th class="confluenceTh"><p>Answer within</p></th></tr><tr><td class="confluenceTd"><p>P1, berth
system down</p></td><td class="confluenceTd"><p>15 minutes</p></td></tr><tr><td class="confluenceTd" rowspan="2"><p>P2</p></td><td
class="confluenceTd"><ul><li>office hours: 1 h</li><li>night: next morning</li></ul></td></tr><tr><td class="confluenceTd">weekends:
Monday</td></tr></tbody></table></div><div class="code panel pdl" style="border-width: 1px;"><div class="codeContent panelContent
pdl"><pre class="syntaxhighlighter-pre" data-syntaxhighlighter-params="brush: bash; gutter: false" data-theme="Confluence">pagectl hand
--to "next"
pagectl ack</pre></div></div><div class="confluence-information-macro confluence-information-macro-warning"><div
class="confluence-information-macro-body"><p>Never hand over during a berth change.</p></div></div></div><div class="pageSection
group"><div class="pageSectionHeader"><h2 id="attachments" class="pageSectionTitle">Attachments:</h2></div><div class="greybox"
align="left"><a href="attachments/1.png">rota.png</a> (image/png)<br/></div></div></div></div><div id="footer"
role="contentinfo"><section class="footer-body"><p>Document generated by Confluence on Jan 10, 2026</p><div
id="footer-logo"><a href="http://www.atlassian.com/">Atlassian</a></div></section></div></div></body></html>""",
    (
        "Harbour IT : Pager rota",
        "The rota changes on Mondays at nine.",
        "Levels",
        "Answer within",
        "P1, berth system down",
        "15 minutes",
        "office hours: 1 h",
        "weekends: Monday",
        'pagectl hand --to "next"\npagectl ack',
        "Never hand over during a berth change.",
    ),
    ("home crumb", "last modified on", "Document generated", "Atlassian"),
)

_OLD = (
    """<HTML><HEAD><TITLE>Tide tables of Port Amber</TITLE><META NAME="Author" CONTENT="H. Brandt"></HEAD>
<BODY BGCOLOR=#FFFFFF><TABLE WIDTH=100% BORDER=0><TR><TD COLSPAN=2><IMG SRC="logo.gif" ALT=""><FONT SIZE=5><B>Port Amber</B></FONT>
<TR><TD WIDTH=120 VALIGN=TOP BGCOLOR=#CCCCFF><FONT SIZE=2><A HREF=news.htm>Newsroom</A><BR><A HREF=map.htm>Road map</A><BR><A
HREF=staff.htm>Our staff</A><BR><A HREF=guest.htm>Guest book</A></FONT><TD VALIGN=TOP><H2>Tide tables</H2><P>Times are in local
winter time &#150; add an hour in summer.<P>Heights are above chart datum.<TABLE BORDER=1><TR><TH>Day<TH>High water<TH>Height<TR><TD>1
May<TD>04:12<TD>3.1 m<TR><TD>2 May<TD>05:01<TD>3.3 m</TABLE><UL><LI>Wind from the west adds to the height.<LI>Frost does
not.</UL>Questions? Ring the tide clerk.<BR><BR>The clerk is out on Fridays.</TABLE><HR><CENTER><SMALL><A HREF=index.htm>Home</A> |
<A HREF=top.htm>Up</A> | <A HREF=imprint.htm>Legal notice</A></SMALL></CENTER></BODY></HTML>""",
    (
        "Tide tables",
        "Times are in local winter time – add an hour in summer.",
        "Heights are above chart datum.",
        "High water",
        "04:12",
        "3.3 m",
        "Wind from the west adds to the height.",
        "Frost does not.",
        "Questions? Ring the tide clerk.",
        "The clerk is out on Fridays.",
    ),
    ("Newsroom", "Guest book", "Legal notice"),
)

_FORM = (
    """<!doctype html><html lang=en><head><title>Application for a mooring licence</title></head><body><div class="topbar"><a
href="/">Council</a> <a href="/pay">Pay a bill</a></div><form role="search" action="/s"><label>Find on this site <input
name=q></label></form><h1>Application for a mooring licence</h1><p>Fill in every field that has a star.</p><form action="/apply"
method="post"><fieldset><legend>The vessel</legend><label for=n>Name of the vessel *</label><input id=n name=n><label for=l>Length
over all in metres</label><input id=l type=number value="12"><label>Kind of hull<select><option>Steel</option><option>Wood, tarred
</option></select></label></fieldset><fieldset><legend>Insurance</legend><p class="help">Cover of at least two million euros is
needed.</p><label><input type=checkbox checked> I have read the harbour rules</label></fieldset><button type=submit>Send</button>
</form><div class="footer-links"><a href="/p">Privacy notice</a></div></body></html>""",
    (
        "Application for a mooring licence",
        "Fill in every field that has a star.",
        "The vessel",
        "Name of the vessel *",
        "Length over all in metres",
        "12",
        "Kind of hull",
        "Wood, tarred",
        "Insurance",
        "Cover of at least two million euros is needed.",
        "I have read the harbour rules",
    ),
    ("Pay a bill", "Find on this site", "Privacy notice"),
)

_TABLES = (
    """<!doctype html><html><head><meta charset=utf-8><title>Rates</title></head><body><table><caption>Table 1. Rates per
ton</caption><thead><tr><th rowspan=2>Cargo</th><th colspan=2>Quay</th></tr><tr><th>North</th><th>South</th></tr></thead><tbody>
<tr><td>Grain</td><td>1.20</td><td>1.35</td></tr><tr><td>Scrap | mixed</td><td>0.90</td><td>0.95</td></tr></tbody></table>
<table><tr><th>Opened</th><td>1893</td></tr><tr><th>Depth</th><td>11.5 m</td></tr></table></body></html>""",
    ("Table 1. Rates per ton", "Quay", "North", "Grain", "1.20", "0.95", "Opened", "1893", "Depth", "11.5 m"),
    (),
)

_NEWS = (
    """<!doctype html><html lang="en"><head><title>Crane fails again</title></head><body><div class="ad-banner ads">Buy two
anchors for one</div><ol class="breadcrumb"><li><a href="/">Front page</a></li></ol><div class="layout"><div
class="story"><h1>Crane fails again</h1><div class="byline">By Ruth Okafor</div><p>Crane 4 stopped at noon with a container
in the air, the third time this month.</p><p>Nobody was hurt, and the box was lowered by hand.</p><div class="social-share"><a
href="#">Tweet</a><a href="#">Mail this</a></div><aside class="pullquote"><p>We lowered it with a winch from 1950, turn by turn, and it took us all of the afternoon.</p></aside><p>The maker
promises a new brake<sup><a href="#f1">1</a></sup> by June.</p><section class="footnotes"><ol><li id="f1">The brake was ordered in
2024.</li></ol></section></div><div class="right-sidebar"><h3>Most read today</h3><ul><li><a href="/1">Gulls steal
lunch</a></li></ul></div></div><div class="related-articles"><h3>More stories</h3><a href="/2">Crane 3 rests</a></div><div
class="newsletter-signup"><p>Get the harbour news every morning.</p></div><footer><p>All rights reserved by Amber
Media.</p></footer></body></html>""",
    (
        "Crane fails again",
        "By Ruth Okafor",
        "Crane 4 stopped at noon with a container in the air, the third time this month.",
        "Nobody was hurt, and the box was lowered by hand.",
        "We lowered it with a winch from 1950, turn by turn, and it took us all of the afternoon.",
        "The maker promises a new brake",
        "The brake was ordered in 2024.",
    ),
    ("Buy two anchors", "Front page", "Tweet", "Mail this", "Most read", "Gulls steal", "More stories", "Get the harbour", "All rights"),
)  # fmt: skip

_WRITTEN: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "docusaurus": _DOCUSAURUS,
    "wordpress": _WORDPRESS,
    "confluence": _CONFLUENCE,
    "old tables": _OLD,
    "form": _FORM,
    "tables only": _TABLES,
    "news": _NEWS,
}
