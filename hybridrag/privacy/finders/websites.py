"""Sites whose address tells nothing about a person or a customer: standards, documentation, registries, big sites.

A host is public if it or a domain above it is listed, or if it lies under a suffix that only public bodies get.
"""

from __future__ import annotations

import re

_LISTED = """
12factor.net aaai.org aclanthology.org aclweb.org acm.org adobe.com ai.google.dev akamai.com alpinelinux.org
amazon.com amazon.de amd.com anaconda.com anaconda.org android.com angular.dev angular.io ansible.com anthropic.com
apache.org apnews.com apple.com archive.org archlinux.org arm.com arxiv.org askubuntu.com astral.sh astropy.org
asyncer.tiangolo.com atlassian.com aws.amazon.com babeljs.io badge.fury.io baidu.com bbc.co.uk bbc.com bing.com
bioconductor.org biomedcentral.com bitbucket.org bloomberg.com bmj.com brew.sh britannica.com bsky.app bun.sh bund.de
bundesbank.de bundesregierung.de bundestag.de canonical.com cassandra.apache.org cdnjs.com celeryq.dev cell.com
centos.org chatgpt.com chrome.com chromium.org circleci.com claude.ai claude.com clinicaltrials.gov cloudflare.com
cmake.org cncf.io cnn.com code.google.com codeberg.org codecov.io cohere.ai cohere.com colab.research.google.com
commonmark.org conda-forge.org conda.io conventionalcommits.org cpan.org cplusplus.com cppreference.com crates.io
creativecommons.org crossref.org cursor.com cve.org cypress.io cytoscape.org databricks.com datadoghq.com debian.org
deepmind.com deno.com deno.land destatis.de dev.to digitalocean.com discord.com discord.gg django-rest-framework.org
djangoproject.com docker.com docker.io docs.rs doi.org dotnetfoundation.org drupal.org duckdb.org duckduckgo.com
ebay.com ebay.de ebi.ac.uk eclipse.org ecma-international.org economist.com elastic.co elixir-lang.org elpais.com
elsevier.com encode.io ensembl.org envoyproxy.io eslint.org europa.eu example.com example.edu example.net example.org
expressjs.com facebook.com fastapi.tiangolo.com fastapicloud.com fastly.com faz.net
fb.com fedoraproject.org figma.com figshare.com
flatpak.org forbes.com freebsd.org frontiersin.org fsf.org ft.com genome.jp gentoo.org gesetze-im-internet.de
getbootstrap.com gevent.org git-lfs.com git-scm.com github.com github.dev githubassets.com githubusercontent.com
gitlab.com gnu.org go.dev golang.org golem.de google.com google.de google.dev googleapis.com googleblog.com
googlecode.com gradle.org grafana.com graphql.org gravatar.com groq.com grpc.io gstatic.com gutenberg.org haproxy.org
hashicorp.com haskell.org heise.de helm.sh huggingface.co iana.org ibm.com icann.org icloud.com icrc.org ieee.org
ietf.org imdb.com imf.org instagram.com intel.com ipython.org iso.org istio.io itu.int java.com jenkins.io
jetbrains.com joomla.org jquery.com jsdelivr.net json-schema.org json.org jstor.org julialang.org jupyter.org jwt.io
kafka.apache.org kaggle.com keepachangelog.com keras.io kernel.org khanacademy.org kibana.org kotlinlang.org
kubernetes.io langchain.com laravel.com lemonde.fr letsencrypt.org linkedin.com linuxfoundation.org live.com
llamaindex.ai llvm.org localhost mariadb.org mastodon.social mathoverflow.net matplotlib.org maven.org mdpi.com
mediawiki.org memcached.org merriam-webster.com meta.com microsoft.com mistral.ai mitre.org mkdocs.org mlr.press
modelcontextprotocol.io mongodb.com mongodb.org mozilla.com mozilla.net mozilla.org mypy-lang.org mysql.com nato.int
nature.com nejm.org neo4j.com nestjs.com netbsd.org netflix.com neurips.cc nextjs.org nginx.com nginx.org nixos.org
nodejs.org npmjs.com npmjs.org nuget.org numpy.org nuxt.com nvidia.com nytimes.com oasis-open.org oauth.net oecd.org
office.com omg.org openai.com openapis.org openbsd.org opengroup.org openid.net openjdk.java.net openjdk.org
openreview.net opensource.org openssl.org openstreetmap.org opensuse.org opentelemetry.io oracle.com orcid.org oup.com
owasp.org packagist.org palletsprojects.com paperswithcode.com paypal.com pdb.org perl.org php.net pinecone.io
pinterest.com pkg.go.dev playwright.dev plos.org plosone.org pnas.org pnpm.io postgresql.org postman.com prometheus.io
pubmed.gov pydantic.dev pydata.org pypa.io pypi.org pytest.org python-httpx.org python-poetry.org python.org
pythonhosted.org pytorch.org qdrant.tech quora.com r-project.org rabbitmq.com rcsb.org react.dev reactjs.org
readthedocs.io readthedocs.org redcross.org reddit.com redhat.com redis.com redis.io replit.com researchgate.net
reuters.com rfc-editor.org rtfd.io ruby-lang.org rubygems.org rubyonrails.org rust-lang.org samsung.com sap.com
scala-lang.org schema.org science.org sciencedirect.com sciencemag.org scikit-learn.org scipy.org semanticscholar.org
semver.org sendgrid.com sentry.io serverfault.com shields.io signal.org skype.com slideshare.net snapcraft.io
snowflake.com sourceforge.net spdx.org sphinx-doc.org spiegel.de spotify.com springer.com springerlink.com
sqlalchemy.org sqlite.org sqlmodel.tiangolo.com stackexchange.com stackoverflow.com starlette.dev stripe.com
sueddeutsche.de superuser.com suse.com svelte.dev swagger.io swift.org symfony.com sympy.org t.co t.me tagesschau.de
tailwindcss.com tandfonline.com telegram.org tensorflow.org terraform.io theguardian.com thelancet.com tiktok.com
time.com together.ai together.xyz toml.io traefik.io travis-ci.com travis-ci.org twilio.com twitter.com
typer.tiangolo.com typescriptlang.org ubuntu.com un.org unesco.org unicode.org uniprot.org unpkg.com uvicorn.dev
visualstudio.com vite.dev vitejs.dev voyageai.com vscode.dev vuejs.org w3.org washingtonpost.com weaviate.io webmd.com
webpack.js.org whatsapp.com whatwg.org who.int wikibooks.org wikidata.org wikimedia.org wikipedia.org wikisource.org
wiktionary.org wiley.com wolfram.com wolframalpha.com wordpress.org worldbank.org wsj.com wto.org x.com xkcd.com
yahoo.com yaml.org yarnpkg.com ycombinator.com youtu.be youtube.com zeit.de zenodo.org
"""
_RENTED = """
amazonaws.com atlassian.net auth0.com azure.com dropbox.com fly.io hashnode.com heroku.com medium.com
myshopify.com netlify.com notion.so okta.com railway.com render.com salesforce.com sharepoint.com slack.com tumblr.com
vercel.com windows.net zendesk.com zoom.us
"""
_SITES = frozenset(_LISTED.split())
# Here the name before the site is a customer's or a user's: "acme.atlassian.net", "jdoe.tumblr.com".
_TENANTS = frozenset(_RENTED.split())
_OWN_NAMES = frozenset(
    {"www", "docs", "api", "help", "support", "status", "developer", "developers", "blog", "community"}
)
# "yourapi.com", "my-site.org": what a manual writes where the reader's own name goes.
_PLACEHOLDER = re.compile(
    r"(?:my|your|our|some|the)-?[a-z]{0,12}-?(?:app|api|site|website|domain|company|server|host|shop)"
)
_PUBLIC_SUFFIXES = (".gov", ".mil", ".int", ".edu", ".arpa")
_PUBLIC_SECOND = frozenset({"gov", "gob", "gouv", "gv", "govt", "go", "edu", "ac", "mil"})
# RFC 2606, RFC 6761, RFC 6762 and RFC 7686: names that lead nowhere outside.
_RESERVED = (".example", ".test", ".invalid", ".localhost", ".local", ".onion")


def is_public(host: str) -> bool:
    """Whether `host`, in lower case and without a port, is a site of the public kind, reserved, or no site at all."""
    if "." not in host or host.endswith((*_PUBLIC_SUFFIXES, *_RESERVED)):
        return True
    labels = host.split(".")
    if labels[-1].isdigit():
        return True
    if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _PUBLIC_SECOND:
        return True
    if host in _TENANTS or (labels[0] in _OWN_NAMES and ".".join(labels[1:]) in _TENANTS):
        return True
    if len(labels) == 2 and _PLACEHOLDER.fullmatch(labels[0]):
        return True
    return any(".".join(labels[first:]) in _SITES for first in range(max(0, len(labels) - 4), len(labels) - 1))
