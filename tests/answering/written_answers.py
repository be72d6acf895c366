"""Answers as language models write them, over invented passages: true ones, and the same with one thing wrong."""

from __future__ import annotations

PASSAGES = {
    "handbook": (
        "# Business travel\n\n## Meals\n\nThe meal allowance is 62 euros a day within the country and 78 euros "
        "abroad. It is cut by 20 percent for each breakfast that the hotel provides. Receipts are not needed "
        "for meals, but they are for taxis.\n\n## Rail\n\nTrains are booked in second class. First class may "
        "be booked for journeys of more than four hours, if the head of department agrees beforehand.",
        "# Expenses\n\nExpense reports are handed in through the Ledgerline portal within 30 days of the end "
        "of the trip. Ada Lindqvist in accounting pays them out with the next salary. Reports handed in later "
        "are paid only in exceptional cases:\n\n- illness\n- parental leave\n- a stay abroad of more than "
        "three months\n",
        "# Working from home\n\nEmployees may work from home on up to two days a week once their probation "
        "period is over. Interns are excluded. Company laptops must be encrypted, and private printers may not "
        "be used.",
    ),
    "contract": (
        "§ 4 Laufzeit und Kündigung\n\nDer Vertrag beginnt am 1. Oktober 2025 und läuft 24 Monate. Er "
        "verlängert sich jeweils um zwölf Monate, wenn er nicht mit einer Frist von drei Monaten zum Ende der "
        "Laufzeit schriftlich gekündigt wird. Das Recht zur außerordentlichen Kündigung bleibt unberührt.",
        "§ 7 Haftung\n\nDie Haftung des Auftragnehmers ist auf 250.000 Euro je Schadensfall begrenzt. Für "
        "Vorsatz und grobe Fahrlässigkeit gilt diese Grenze nicht. Der Auftragnehmer haftet nicht für Schäden "
        "durch höhere Gewalt.",
        "§ 9 Gerichtsstand\n\nGerichtsstand ist Leipzig. Es gilt deutsches Recht. Ansprechpartnerin des "
        "Auftraggebers ist Frau Jolanthe Wiesner.",
    ),
    "api": (
        "# Jobs API\n\n## POST /v2/jobs\n\nCreates a job. The body is JSON and must not be larger than 4 "
        "MB.\n\n| Field | Type | Default | Meaning |\n|---|---|---|---|\n| `queue` | string | `default` | the "
        "queue that takes the job |\n| `priority` | integer | 5 | from 1 (lowest) to 9 (highest) |\n| `ttl` | "
        "integer | 3600 | seconds until the job expires |\n\nA request without a token is answered with 401, "
        "one over the rate limit with 429. The limit is 100 requests a minute for each token.",
        "## Retries\n\nA failed job is tried again up to 3 times, with a pause that doubles each time. Set "
        "`retry=false` to switch this off. Jobs that fail for good go to the dead-letter queue, where they are "
        'kept for 14 days.\n\n```python\nclient = Client(token=TOKEN, timeout=30)\nclient.submit("report", '
        "priority=7)\n```\n",
        "## Webhooks\n\nA webhook is called over HTTPS once a job is done. Its body is signed with "
        "HMAC-SHA256; the signature is in the header `X-Jobs-Signature`.",
    ),
    "incident": (
        "# Incident 2214: search down\n\nOn 12 March 2025 search was unavailable from 09:40 to 11:05 UTC. The "
        "cause was an expired certificate on the load balancer in Frankfurt. No customer data was lost. Marek "
        "Dvorak noticed the outage, because the monitoring did not check the expiry of certificates.\n\n## "
        "Actions\n\n1. Renew certificates automatically (owner: Priya Nair, by 31 March)\n2. Alert 21 days "
        "before a certificate expires\n3. Move the status page to another provider\n",
        "# Incident 2209: slow logins\n\nAfter the release of version 5.8.1, logins took up to 14 seconds. An "
        "index was missing on the sessions table. The release was rolled back after 35 minutes.",
    ),
    "mail": (
        "Von: Sabine Kröger\nAn: Team Einkauf\nBetreff: Umzug der Lagerhalle\n\nLiebe Kolleginnen und "
        "Kollegen,\n\nwir ziehen am 17. November mit dem Lager von Bochum nach Herne um. Bestellungen, die "
        "nach dem 10. November eingehen, werden erst ab dem 24. November ausgeliefert. Die Halle in Herne hat "
        "6.200 Quadratmeter, das sind 1.800 mehr als bisher. Bitte gebt Herrn Tobias Ahlers bis Freitag "
        "Bescheid, welche Regale ihr nicht mehr braucht. Die Spedition Kersting übernimmt den Transport; "
        "privates Eigentum nimmt sie nicht mit.",
        "Betreff: AW: Umzug der Lagerhalle\n\nDanke, Sabine. Die Mietkosten sinken durch den Umzug um 15 "
        "Prozent. Der alte Mietvertrag endet am 31. Dezember. Parkplätze gibt es in Herne vorerst keine.",
    ),
}

ANSWERS = (
    (
        "handbook",
        "What is the meal allowance?",
        "62 euros.",
        "82 euros.",
    ),
    (
        "handbook",
        "What is the meal allowance abroad?",
        "When travelling abroad, you receive 78 euros per day for meals.",
        "When travelling abroad, you receive 62 dollars per day for meals.",
    ),
    (
        "handbook",
        "Who pays out expense reports?",
        "Ada Lindqvist.",
        "Ada Bergström.",
    ),
    (
        "handbook",
        "Do I need receipts for meals?",
        "No, receipts are only required for taxis, not for meals.",
        "Yes, receipts are required for meals as well as for taxis.",
    ),
    (
        "handbook",
        "Can I travel first class?",
        "You can travel first class on trips longer than four hours, provided your department head approves it "
        "in advance.",
        "You can travel first class on trips longer than four hours, and your department head does not have to "
        "approve it.",
    ),
    (
        "handbook",
        "What happens if I hand in my report late?",
        "Late reports are only reimbursed in exceptional situations such as illness, parental leave, or an "
        "extended stay abroad.",
        "Late reports are always reimbursed, regardless of illness, parental leave, or an extended stay abroad.",
    ),
    (
        "handbook",
        "May interns work from home?",
        "No.",
        "Yes.",
    ),
    (
        "handbook",
        "How often can I work remotely?",
        "After completing probation, staff can work remotely up to two days per week.",
        "After completing probation, staff can work remotely up to three days per week.",
    ),
    (
        "handbook",
        "How do I submit expenses?",
        "Submit your expense report via the Ledgerline portal no later than 30 days after the trip ends.",
        "Submit your expense report via the Concur portal no later than 30 days after the trip ends.",
    ),
    (
        "contract",
        "Wie lange läuft der Vertrag?",
        "24 Monate.",
        "36 Monate.",
    ),
    (
        "contract",
        "Wann beginnt der Vertrag?",
        "Der Vertrag startet am 01.10.2025.",
        "Der Vertrag startet am 10.01.2025.",
    ),
    (
        "contract",
        "Wie kann ich kündigen?",
        "Die Kündigung muss schriftlich mit einer Frist von drei Monaten zum Laufzeitende erfolgen.",
        "Die Kündigung muss mündlich mit einer Frist von drei Monaten zum Laufzeitende erfolgen.",
    ),
    (
        "contract",
        "Wie hoch ist die Haftung?",
        "Pro Schadensfall haftet der Auftragnehmer mit höchstens 250.000 €.",
        "Pro Schadensfall haftet der Auftragnehmer mit mindestens 250.000 €.",
    ),
    (
        "contract",
        "Gilt die Haftungsgrenze bei grober Fahrlässigkeit?",
        "Nein, bei Vorsatz und grober Fahrlässigkeit greift die Begrenzung nicht.",
        "Ja, auch bei Vorsatz und grober Fahrlässigkeit greift die Begrenzung.",
    ),
    (
        "contract",
        "Wo ist der Gerichtsstand?",
        "In Leipzig.",
        "In Dresden.",
    ),
    (
        "contract",
        "Wer ist die Ansprechpartnerin?",
        "Die Ansprechpartnerin auf Seiten des Auftraggebers ist Jolanthe Wiesner.",
        "Die Ansprechpartnerin auf Seiten des Auftraggebers ist Jolanthe Hartwig.",
    ),
    (
        "api",
        "What is the default priority?",
        "The default value of `priority` is 5.",
        "The default value of `priority` is 7.",
    ),
    (
        "api",
        "How many requests are allowed?",
        "Each token is limited to 100 requests per minute; exceeding this returns a 429 status.",
        "Each token is limited to 100 requests per second; exceeding this returns a 429 status.",
    ),
    (
        "api",
        "What happens to failed jobs?",
        "Failed jobs are retried up to three times with exponentially increasing delays, after which they land "
        "in the dead-letter queue for 14 days.",
        "Failed jobs are retried up to three times with exponentially increasing delays, after which they are "
        "deleted after 14 hours.",
    ),
    (
        "api",
        "How do I disable retries?",
        "To disable retries, set `retry=false`.",
        "To disable retries, set `retries=0`.",
    ),
    (
        "api",
        "How do I submit a job?",
        '```python\nclient = Client(token=TOKEN, timeout=30)\nclient.submit("report", priority=7)\n```',
        '```python\nclient = Client(token=TOKEN, timeout=90)\nclient.submit("report", urgency=7)\n```',
    ),
    (
        "api",
        "How is the webhook secured?",
        "- **Signature:** HMAC-SHA256, sent in the `X-Jobs-Signature` header",
        "- **Signature:** HMAC-SHA1, sent in the `X-Jobs-Signature` header",
    ),
    (
        "api",
        "What does 401 mean?",
        "A 401 response means the request was sent without a token.",
        "A 403 response means the request was sent without a token.",
    ),
    (
        "incident",
        "What caused the search outage?",
        "According to , the outage was caused by an expired certificate on the Frankfurt load balancer.",
        "According to , the outage was caused by an expired certificate on the Dublin load balancer.",
    ),
    (
        "incident",
        "Was data lost?",
        "No customer data was lost during the incident.",
        "Some customer data was lost during the incident.",
    ),
    (
        "incident",
        "Why was it noticed late?",
        "The monitoring system was not checking certificate expiry, so the outage was spotted by Marek Dvorak.",
        "The monitoring system was checking certificate expiry, so the outage was spotted automatically.",
    ),
    (
        "incident",
        "When was search down?",
        "Search was down on March 12, 2025, between 9:40 and 11:05 a.m. UTC.",
        "Search was down on March 12, 2025, between 9:40 and 11:50 a.m. UTC.",
    ),
    (
        "incident",
        "What are the follow-up actions?",
        "Follow-up actions include automatic certificate renewal, an alert three weeks before expiry, and "
        "moving the status page to a different provider.",
        "Follow-up actions include automatic certificate renewal, an alert three weeks before expiry, and "
        "moving the database to a different provider.",
    ),
    (
        "incident",
        "Why were logins slow?",
        "Logins became slow because the sessions table lacked an index following the 5.8.1 release.",
        "Logins became slow because the users table had a corrupted index following the 5.8.2 release.",
    ),
    (
        "incident",
        "Was the release rolled back?",
        "Yes, it was rolled back after 35 minutes.",
        "No, it was kept and patched after 35 minutes.",
    ),
    (
        "mail",
        "Wohin zieht das Lager?",
        "Das Lager zieht von Bochum nach Herne um.",
        "Das Lager zieht von Bochum nach Witten um.",
    ),
    (
        "mail",
        "Wer macht den Transport?",
        "Den Transport führt die Spedition Kersting durch, private Gegenstände werden allerdings nicht mitgenommen.",
        "Den Transport führt die Spedition Dachser durch, private Gegenstände werden allerdings nicht mitgenommen.",
    ),
    (
        "mail",
        "Wann wird wieder ausgeliefert?",
        "Bestellungen, die nach dem 10.11. eintreffen, werden ab dem 24.11. geliefert.",
        "Bestellungen, die nach dem 10.11. eintreffen, werden ab dem 20.11. geliefert.",
    ),
    (
        "mail",
        "Wie verändern sich die Kosten?",
        "Durch den Umzug reduzieren sich die Mietkosten um 15 %.",
        "Durch den Umzug erhöhen sich die Mietkosten um 15 %.",
    ),
    (
        "mail",
        "Gibt es Parkplätze in Herne?",
        "Nein, in Herne stehen zunächst keine Parkplätze zur Verfügung.",
        "Ja, in Herne stehen zunächst Parkplätze zur Verfügung.",
    ),
    (
        "mail",
        "Was soll ich bis Freitag tun?",
        "Bis Freitag solltest du Tobias Ahlers mitteilen, welche Regale nicht mehr benötigt werden.",
        "Bis Montag solltest du Tobias Ahlers mitteilen, welche Regale nicht mehr benötigt werden.",
    ),
    (
        "mail",
        "Wer hat die Nachricht geschrieben?",
        "Sabine Kröger.",
        "Sabine Petersen.",
    ),
)
"""Of each: the passages, the question, the answer, and the false one."""
