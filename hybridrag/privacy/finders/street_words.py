"""The words and endings that mean street, in some thirty languages, and the words that look like them.

From national address guides (USPS Publication 28 appendix C1, Royal Mail, Deutsche Post, La Poste, Correos, CTT, Poste
Italiane, PostNL, PostNord, Posten, Posti, Magyar Posta, Poczta Polska, Omniva, Islandspostur) and the UPU's country
sheets. The clear ones are enough beside a number; the vague ones are everyday words or parts of them too.
"""

from __future__ import annotations

import re

from hybridrag.privacy.finders.patterns import view


def alternatives(words: str) -> bytes:
    """The words as an alternation over the view, the longest first."""
    return b"|".join(re.escape(view(word)) for word in sorted(set(words.split()), key=len, reverse=True))


SMALL_WORDS = alternatives(
    "of the on upon under and de del della dello delle dei degli di da do dos das du des la las le les los al au "
    "aux el "
    "y e et en sur sous lez van von vom zum zur zu der den dem het ten ter te op aan bij in im am an auf unter bei "
    "i af "
    "nad pod na v u z a"
)
CLEAR = alternatives(
    "Street Avenue Road Lane Drive Boulevard Terrace Crescent Highway Parkway Turnpike Esplanade Mews Gardens Alley "
    "Ave Rd "
    "Ln Blvd Tce Cres Hwy Pkwy Pde Gdns Bvd STREET AVENUE ROAD LANE DRIVE BOULEVARD TERRACE CRESCENT HIGHWAY "
    "PARKWAY AVE "
    "RD LN BLVD street road avenue boulevard"
)
VAGUE = alternatives(
    "St Dr Ct Pl Cl Cir Ter Trl Sq Av Way Court Place Square Close Circle Trail Row Grove Hill Loop Path Pike Plaza "
    "Walk "
    "Quay Wharf Rise View Vale Green Park Parade Crossing Heights Ridge Run Bend Cove Point Landing Manor Meadow "
    "Meadows "
    "Mall Station Hollow Glen Junction Passage Yard Fields Estate Estates Villas Spur Summit Village Valley Ranch "
    "Orchard "
    "Freeway Extension Key Knoll Knolls Lakes Lodge Mills Mission Mount Mountain Neck Oval Pines Plains Plain Port "
    "Prairie "
    "Ramp Rapids Rest River Roads Shoal Shore Shores Springs Spring Stream Trace Track Tunnel Union Viaduct Vista Ways "
    "Well Wells Burg Bypass Camp Canyon Cape Causeway Center Centers Cliff Cliffs Club Common Corner Corners Course "
    "Creek "
    "Crest Curve Dale Dam Divide Falls Ferry Flat Flats Ford Forest Forge Forks Fort Gateway Harbor Haven Inlet Island "
    "Pass Trafficway Overpass Underpass Throughway Stravenue Skyway Speedway Bluff Bluffs Bridge Brook Brooks Drives "
    "Expressway Garden Groves Harbors Hills Islands Junctions Locks Manors Mill Motorway Parkways Ports Unions Valleys "
    "Villages Ville Chase Circuit Circus Brae Boardwalk Cutting Dell Deviation Foreshore Frontage Gully Laneway Mead "
    "Nook Pathway Promenade Quadrangle Quays Ramble Ridgeway Serviceway Strand Thoroughfare Wynd Woods Brow Copse "
    "Isle Streets Squares Roundabout Broadway ST DR CT PL WAY COURT PLACE SQUARE CLOSE GROVE HILL lane drive square "
    "court"
)
ROUTE = alternatives("Highway Hwy Route Rte Broadway Road")
COMPOUND_CLEAR = alternatives(
    "straße strasse str gasse gässchen allee chaussee promenade straat laan gracht plein singel steeg kade dijk dreef "
    "gatan vägen vegen veien gade stræde gränd gränden alléen vegur braut katu kuja polku raitti puistikko maantee "
    "puiestee utca stræti straeti terrasse STRASSE STR STRAAT LAAN GATAN VÄGEN VEIEN GADE KATU KUJA"
)
COMPOUND_VAGUE = alternatives(
    "weg platz damm ufer steig stieg markt graben brücke pfad zeile kamp redder winkel garten anger halde rain twiete "
    "gata gate gaten vei veg vej väg vejen tie tun tunet torv torvet torget plads plass plan stien stigen stig stigur "
    "bakken backen brinken leden kroken svingen lia hagen åsen haugen lunden vangen parken engen toften højen "
    "krogen vænget "
    "ranta tori kaari rinne mäki väylä aukio penger baan lei hof weide veld WEG PLATZ TIE VEJ"
)
LAST_CLEAR = alternatives(
    "Straße Strasse Str. straße strasse str. Gasse Allee utca körút krt. tänav tn. puiestee maantee ulica ulice cesta "
    "náměstí námestie nám. gatvė iela prospekts väg vägen gatan gate gata veien vej Allé allé straat laan caddesi Cad. "
    "Sokak Sokağı Sok. Bulvarı Mahallesi Mah. Street Avenue улица ул. οδός gade út útja u. rkp. rakpart krt. sgt. "
    "sugárút terrasse str str. Str stræti fasor dűlő tee põik väljak pr. prospektas prospekt"
)
LAST_VAGUE = alternatives(
    "Weg Platz Ring Ufer Damm Markt tér tere köz sétány trg Road Lane Way plein plass plads torv g."
)
FIRST_CLEAR = alternatives(
    "rue Rue RUE Chemin Impasse Allée Quai Boulevard Chaussée Calle CALLE calle C/ Avenida Avda Avda. Avd. AVENIDA "
    "Paseo "
    "Pº Pza. Ctra. Carretera Glorieta Carrer Passeig Travesía Callejón Jirón Rua RUA rua Rúa rúa Praza Travessa "
    "Praça Estrada Alameda "
    "Rodovia Rod. Viale Piazza Piazzale Vicolo Contrada VIA VIALE PIAZZA Lungomare Lungotevere ul. Ul. Ulica "
    "ulica plac Plac skwer Gg. Gang "
    "ulice "
    "Aleja Aleje Osiedle os. náměstí Náměstí nám. námestie třída tř. nábřeží bul. Bulevardul Aleea Strada Şos. Calea "
    "Jalan Jl. Lorong ул. улица Улица просп. проспект вул. вулиця бул. пл. Πλατεία Οδός Λεωφόρος Лва"
)
FIRST_VAGUE = alternatives(
    "Place Square Cours Passage Route Cité Sentier Voie Montée Avenue Ave Av. Av Bd Bd. Plaza Camino Ronda Cl. "
    "Carrera Cra. "
    "Diagonal Bulevar Urb. Largo Beco Ladeira Quinta Bairro Al. R. Via Corso Salita Traversa Borgo Galleria Str. "
    "str. Piața "
    "Trg al. pl. Soi Leof. Odos Plateia Am An Im Zum Zur Auf Unter Hinter In Beim Vor Alte Alter Neue Neuer Kleine "
    "Große"
)
BEFORE_CLEAR = alternatives(
    "rue Rue RUE chemin Chemin Jalan Lorong Jl. impasse allée allées avenue boulevard bd av. quai"
)
BEFORE_VAGUE = alternatives(
    "place Place route Route cours passage square Allée Boulevard Avenue Impasse Quai Via Calle Rua"
)
NEVER = alternatives(
    "fig figs figure figures table tables section sections chapter chapters version versions step steps part parts "
    "page "
    "pages item items example examples appendix equation equations volume volumes vol line lines kapitel abschnitt "
    "abbildung tabelle seite zeile schritt teil punkt artikel nummer jahr jahre jahren absatz anlage january february "
    "march april may june july august september october november december januar februar märz mai jun juni juli "
    "oktober "
    "dezember pm percent prozent million millionen billion milliarde milliarden stunden minuten uhr tag tage tagen "
    "woche "
    "wochen monat monate monaten montag dienstag mittwoch donnerstag freitag samstag sonntag monday tuesday wednesday "
    "thursday friday saturday sunday sommer winter herbst frühling summer autumn spring bsd python fastapi django http "
    "linux windows ubuntu android ios java node postgresql openapi participants olympics olympia bowl cup war prix top "
    "claude gpt gemini llama mistral opus sonnet haiku react angular django postgres mysql kubernetes "
    "chromosome phase stage type grade group mount act"
)
"""No street line has one of these beside its number."""
EVERYDAY = alternatives(
    "arbeitsplatz speicherplatz parkplatz sitzplatz stellplatz spielplatz studienplatz ausbildungsplatz stehplatz "
    "startplatz stammplatz steckplatz tabellenplatz spitzenplatz listenplatz schlafplatz liegeplatz kitaplatz "
    "kindergartenplatz krippenplatz pflegeplatz landeplatz podestplatz podiumsplatz medaillenplatz fensterplatz "
    "gangplatz "
    "ausweg umweg rückweg hinweg heimweg arbeitsweg dienstweg rechtsweg lösungsweg lebensweg bremsweg luftweg seeweg "
    "rettungsweg fluchtweg verkehrsweg kommunikationsweg signalweg weltmarkt binnenmarkt aktienmarkt arbeitsmarkt "
    "finanzmarkt geldmarkt kapitalmarkt supermarkt baumarkt wohnungsmarkt immobilienmarkt absatzmarkt schwarzmarkt "
    "flohmarkt energiemarkt strommarkt suchpfad dateipfad lernpfad klickpfad lehrpfad bahnsteig bürgersteig ausstieg "
    "aufstieg abstieg anstieg einstieg umstieg lehrplan zeitplan fahrplan stundenplan spielplan bauplan notfallplan "
    "bowtie necktie aggregate stargate watergate tollgate floodgate investigate delegate propagate navigate mitigate "
    "overlei allerlei mancherlei vielerlei beispielsweise"
)
"""Compounds that end as streets do."""
