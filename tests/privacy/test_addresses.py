"""Postal addresses of the world, whole and nothing beside them: invented ones, in sentences, blocks, rows and forms."""

from __future__ import annotations

import pytest

from hybridrag.privacy.finders.addresses import addresses
from hybridrag.privacy.finders.postcodes import postcodes
from tests.privacy.hostile import is_linear

ADDRESSES = {
    "United States": """
        742 Maplewood Drive, Springfield, IL 62704
        1209 N Orchard St, Apt 4B, Boise, ID 83706
        88 Kestrel Ln|Suite 210|Portland, OR 97205-1422
        4501 5th Avenue|New York, NY 10016|USA
        P.O. Box 4471, Tulsa, OK 74159
        17 Old Mill Road #12, Burlington, VT 05401
        2300 State Highway 7|Cortez, CO 81321
        PSC 812, Box 330|FPO AE 09627
        600 W Adams Blvd|Los Angeles CA 90007
        35 Harbor View Court, Mobile, AL 36605
    """,
    "United Kingdom": """
        14 Larkspur Close, Norwich NR4 7QP
        Flat 3, 27 Albion Road, Leeds, LS6 2AD
        221 Harrow Lane|London|SW9 8HL
        8 Castle Terrace|Edinburgh|EH1 2DP|United Kingdom
        The Old Rectory, 5 Church Street, Ludlow SY8 1AP
        63 Millbrook Avenue, Cardiff CF14 3UX
    """,
    "Ireland": """
        12 Seapoint Road, Bray, A98 X2W7
        45 Clonmel Street, Dublin 2, D02 XY45
        7 Abbey Court|Galway|H91 AE2C|Ireland
    """,
    "Canada": """
        310 Beaubien Street East, Montreal, QC H2S 1R8
        2218 Birch Avenue|Unit 5|Calgary, AB T2N 3K9
        75 Portage Road, Winnipeg MB R3B 0K5
        1020 Spruce Crescent|Halifax NS B3H 2Y9|Canada
    """,
    "Australia": """
        16 Wattle Grove, Fremantle WA 6160
        Unit 9, 204 Bondi Road, Bondi NSW 2026
        33 Collins Parade|Geelong VIC 3220|Australia
        GPO Box 2890, Adelaide SA 5001
    """,
    "New Zealand": """
        41 Rimu Street, Nelson 7010
        6 Tui Terrace|Hamilton 3204|New Zealand
        Private Bag 9021, Dunedin 9054
    """,
    "Germany": """
        Lindenstraße 14, 50674 Köln
        Goethestr. 7a|80336 München
        Am Markt 3, 99084 Erfurt
        Karl-Liebknecht-Allee 112|04275 Leipzig|Deutschland
        Unter den Eichen 5, D-12203 Berlin
        Rosenweg 23, 01309 Dresden
        Große Bleichen 21-23, 20354 Hamburg
        Postfach 10 22 33, 70018 Stuttgart
        Mühlgasse 9|c/o Familie Sommer|97070 Würzburg
        Kaiserplatz 4, Wohnung 12, 53113 Bonn
        Lange Straße 88, 76530 Baden-Baden
    """,
    "Austria": """
        Mariahilfer Straße 45/2/17, 1060 Wien
        Getreidegasse 31|5020 Salzburg
        Lindengasse 8 Top 4, A-8010 Graz
        Innrain 52, 6020 Innsbruck, Österreich
    """,
    "Switzerland": """
        Bahnhofstrasse 102, 8001 Zürich
        Rue du Rhône 48|1204 Genève
        Via Nassa 17, 6900 Lugano
        Kramgasse 61, CH-3011 Bern
    """,
    "France": """
        12 rue de la République, 69002 Lyon
        5 bis avenue Jean Jaurès|31000 Toulouse
        148, boulevard Saint-Germain, 75006 Paris
        27 impasse des Lilas|44300 Nantes|France
        3 place du Marché, 67000 Strasbourg
        BP 412, 35004 Rennes
        9 chemin des Vignes, 13100 Aix-en-Provence
    """,
    "Belgium": """
        Kerkstraat 108, 9050 Gentbrugge
        Rue de la Loi 16|1000 Bruxelles
        Steenweg op Leuven 44 bus 3, 3080 Tervuren
        Meir 50, 2000 Antwerpen
    """,
    "Netherlands": """
        Prinsengracht 263, 1016 GV Amsterdam
        Oude Delft 77|2611 BD Delft
        Stationsplein 9-B, 3013 AJ Rotterdam
        Dorpsstraat 12, 7683 BJ Den Ham
        Lange Voorhout 40, 2514 EH Den Haag, Nederland
    """,
    "Spain": """
        Calle Mayor 25, 3º B, 28013 Madrid
        Avda. de la Constitución 8|41004 Sevilla
        C/ Balmes 190, 08006 Barcelona
        Paseo de Gracia, 55|08007 Barcelona|España
        Plaza del Pilar 4, 50003 Zaragoza
    """,
    "Portugal": """
        Rua das Flores 81, 4050-262 Porto
        Avenida da Liberdade 110, 1250-146 Lisboa
        Travessa do Carmo 6|8000-148 Faro|Portugal
    """,
    "Brazil": """
        Rua Augusta, 1508, São Paulo, SP, 01304-001
        Avenida Atlântica 2964|Rio de Janeiro - RJ|22070-000
        Praça da Sé 90, 01001-000 São Paulo
    """,
    "Italy": """
        Via Garibaldi 12, 16124 Genova
        Corso Vittorio Emanuele 74|80121 Napoli
        Piazza San Marco 3, 30124 Venezia VE
        Viale Monza 255/A, 20126 Milano, Italia
        Vicolo del Fico 8, 00186 Roma
    """,
    "Denmark": """
        Nørrebrogade 45, 2200 København
        Skovvej 17|8000 Aarhus C
        Algade 9, 2. th, 4000 Roskilde
    """,
    "Sweden": """
        Drottninggatan 71, 111 36 Stockholm
        Björkvägen 5|752 28 Uppsala
        Södra Vägen 24, 412 54 Göteborg, Sverige
    """,
    "Norway": """
        Karl Johans gate 22, 0159 Oslo
        Fjellveien 108|5019 Bergen
        Storgata 63, 9008 Tromsø, Norge
    """,
    "Finland": """
        Mannerheimintie 30 A, 00100 Helsinki
        Hämeenkatu 14|33200 Tampere
        Koivukuja 6, 90500 Oulu, Suomi
    """,
    "Iceland": """
        Laugavegur 26, 101 Reykjavík
        Skólabraut 4|220 Hafnarfjörður
        Hafnarstræti 88|600 Akureyri
    """,
    "Poland": """
        ul. Piękna 18, 00-549 Warszawa
        ul. Długa 7/9|31-147 Kraków
        al. Niepodległości 120, 61-714 Poznań
        os. Słoneczne 3, 31-957 Kraków
    """,
    "Czech Republic": """
        Vinohradská 184, 130 00 Praha 3
        Masarykova 12|602 00 Brno
        nám. Republiky 5, 301 00 Plzeň
        Husova 310, 460 01 Liberec
    """,
    "Slovakia": """
        Hlavná 45, 040 01 Košice
        Námestie slobody 2|811 06 Bratislava
    """,
    "Hungary": """
        Kossuth Lajos utca 14, 1053 Budapest
        Váci út 76|1133 Budapest
        Széchenyi tér 9., 6720 Szeged
        1024 Budapest, Margit körút 33
    """,
    "Slovenia and Croatia": """
        Slovenska cesta 55, 1000 Ljubljana
        Prešernova ulica 8|2000 Maribor
        Ilica 112, 10000 Zagreb
        Trg bana Jelačića 5, HR-10000 Zagreb
    """,
    "Romania and Bulgaria": """
        Strada Lipscani 27, 030031 București
        Bulevardul Unirii 14, Cluj-Napoca 400001
        бул. Витоша 89, 1463 София
    """,
    "Greece and Cyprus": """
        Ερμού 56, 105 63 Αθήνα
        Leoforos Alexandras 130, 114 71 Athens
        Οδός Λήδρας 24|1011 Λευκωσία
    """,
    "Turkey": """
        Atatürk Caddesi No: 45, 35220 İzmir
        Gül Sokak No:12 Daire 5, 34710 İstanbul
    """,
    "Baltic states": """
        Narva maantee 7, 10117 Tallinn
        Brīvības iela 68, Rīga, LV-1011
        Gedimino pr. 20, LT-01103 Vilnius
        Pikk tänav 33, 10133 Tallinn
    """,
    "Russia and Ukraine": """
        ул. Ленина, д. 15, кв. 8, 620014 Екатеринбург
        ул. Садовая 24, Москва 105066
        вул. Хрещатик 22, 01001 Київ
    """,
    "India": """
        42 Nehru Road, Pune 411001
        18/3 Gandhi Street, Chennai 600 017
        B-12, 77 Park Avenue, New Delhi 110001, India
    """,
    "South Africa": """
        29 Protea Road, Claremont, 7708
        Unit 14, Baobab Heights, 3 Ridge Street, Durban 4001
        11 Jacaranda Street|Pretoria|0002|South Africa
    """,
    "Latin America": """
        Av. Corrientes 1234, C1043AAZ Buenos Aires
        Calle 72 # 10-34, Bogotá
        Avenida Providencia 2560, Santiago, Chile
        Jirón Carabaya 341, Lima 15001, Perú
        18 de Julio 1488, 11200 Montevideo
        Av. Insurgentes Sur 1602, 03940 Ciudad de México
    """,
    "Asia": """
        10 Jalan Besar, Singapore 208787
        Jl. Sudirman 52, Jakarta 12190
        88 Queen's Road Central, Hong Kong
        77 Ayala Avenue, Makati 1226, Philippines
        23 Sukhumvit Road, Bangkok 10110, Thailand
    """,
    "Middle East and Africa": """
        15 Rothschild Boulevard, Tel Aviv 6688112
        31 Avenue Habib Bourguiba, 1001 Tunis
        P.O. Box 30197, Nairobi 00100, Kenya
        7 Rue Mohamed V, Casablanca 20250
        25 Tahrir Street, Cairo 11511, Egypt
        Plot 9, Awolowo Road, Ikoyi, Lagos 101233
    """,
}

"""One address a line, a bar for a line's end."""

SETTINGS = {
    "alone": "{}",
    "sentence": "We met last spring, when he still lived at {}, and it rained.",
    "order": "Please send the parcel to {}.",
    "block": "Maria Lopez\n{}\n\nDear Maria,",
    "form": "Name: Ana\nAddress: {}\nPhone: none",
    "row": '17;"{}";open',
    "quoted": "> Ship to:\n> {}\n> Thanks",
}
ON_LINES = {"alone", "block", "quoted"}

ELSEWHERE = [
    "2 Street Fighter",
    "5 Way",
    "Section 4 Road map",
    "12 Main reasons to upgrade",
    "It weighs 12 kg and costs 40 euros.",
    "Der Arbeitsplatz 2 ist frei.",
    "Ausweg 3 ist der beste.",
    "Speicherplatz 5 GB",
    "Der Dateipfad 3 fehlt.",
    "Im Kapitel 3 steht mehr.",
    "In Figure 3, 2010 Census data are shown.",
    "Python 3 Way merge",
    "the 2018 World Cup",
    "On May 5, 2010 Congress passed the act.",
    "HTTP 404 Not Found",
    "status 200 OK",
    "Windows 10 Pro 64",
    "via HTTP 2",
    "Route 66",
    "def square(x): return x ** 2",
    "The Thirty Years War ended in 1648.",
    "Version 3.11, 2024 Edition",
    "Table 2 Mean values 14",
    "iPhone 12 Pro Max 256",
    "a 5 Star Hotel",
    "bis zum 3. Oktober 1990",
    "et al. reported 35 cases",
    "os.path 5",
    "A 2019 Study of mice",
    "1,234,567,890 and 1 000 000 2 000 000 and 3.14159",
    "def f(a: int = 3, b: int = 4) -> None:",
]

POSTCODES = [
    ("ZIP: {}", "90210"),
    ("zip code is {}", "02139-4307"),
    ("My postal code is {}.", "K1A 0B1"),
    ("PLZ {}", "01069"),
    ("Postleitzahl: {}", "50667"),
    ("postcode = {}", "SW1A 1AA"),
    ("code postal : {}", "75001"),
    ("CEP: {}", "01310-100"),
    ('"zip": "{}"', "60601"),
    ("C.P. {}", "28013"),
    ("postnummer: {}", "111 36"),
    ("Eircode {}", "D02 XY45"),
    ("kod pocztowy: {}", "00-549"),
    ("postcode {}", "1016 GV"),
]


def covered(text: str) -> str:
    """The letters and digits of `text` that lie in an address."""
    inside = bytearray(len(text))
    for span in addresses(text):
        inside[span.start : span.end] = b"\1" * (span.end - span.start)
    return "".join(char for char, found in zip(text, inside, strict=True) if found and char.isalnum())


def letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("country", ADDRESSES)
def test_a_whole_address_is_found_and_nothing_around_it(country: str, setting: str) -> None:
    for line in ADDRESSES[country].strip().splitlines():
        gap = ("\n> " if setting == "quoted" else "\n") if setting in ON_LINES else ", "
        address = line.strip().replace("|", gap)
        assert covered(SETTINGS[setting].format(address)) == letters(address)


def test_the_table_is_wide_enough() -> None:
    assert len(ADDRESSES) >= 25
    assert sum(len(block.strip().splitlines()) for block in ADDRESSES.values()) >= 150


@pytest.mark.parametrize("text", ELSEWHERE)
def test_numbers_with_capitalised_words_are_no_address(text: str) -> None:
    assert not list(addresses(text))
    assert not list(postcodes(text))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("please ship it to 17 old mill road, burlington", "17 old mill road, burlington"),
        ("Meet me at the corner of Elm Street and Birch Road.", "the corner of Elm Street and Birch Road"),
        ("She lives at Tuulmurru 18.", "Tuulmurru 18"),
        ("Anschrift: Hinterm Deich 4", "Hinterm Deich 4"),
        ("Her office is on Rosewood Avenue.", "Rosewood Avenue"),
        ("Lieferadresse:\nOstra 5, Wohnung 3", "Ostra 5, Wohnung 3"),
        ("Ola Berg\nApt. 12\n4410 Kveldro 17\nBodil\nNorway 1234", "Apt. 12 4410 Kveldro 17 Bodil Norway 1234"),
        ("The parcel went to SW1A 2AB London.", "SW1A 2AB London"),
    ],
)
def test_weaker_forms_count_where_words_or_parts_beside_them_tell(text: str, address: str) -> None:
    assert covered(text) == letters(address)


@pytest.mark.parametrize(("form", "code"), POSTCODES)
def test_a_postal_code_after_its_word(form: str, code: str) -> None:
    text = form.format(code)
    assert [text[span.start : span.end] for span in postcodes(text)] == [code]


HOSTILE = ["7", ",", "\n", "Street ", "12 Street ", "Apt. 1 ", "Ab ", "A", "1 A St, ", "address: ", "Rue de ", "é"]
HOSTILE += ["the corner of A and ", "12345 Ab\n", "10115 Berlin, ", "a 1 ", "Weg 1", "Am A 1\n"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    for finder in (addresses, postcodes):
        assert is_linear(finder, piece)
