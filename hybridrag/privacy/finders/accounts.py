"""Bank accounts other than IBANs, driving licences and vehicles: what announces them and how long they are.

Banks: python-stdnum's modules, Deutsche Bundesbank (BLZ, eight digits), UK Payments (sort code, six), APCA (BSB, six),
RBI (IFSC, eleven), ABM (CLABE, eighteen). Licences: the states' published formats run from four characters (Hawaii's
old ones aside) to nineteen; the European licence number of Directive 2006/126/EC, field 5, is national.
"""

from __future__ import annotations

from hybridrag.privacy.finders.kinds import Kind, parsed

_TABLE = """
-account | ACCOUNT | 5-28 | account number, account no, account nr, account num, account #, acct number, acct no,
    acct, a/c no, a/c number, bank account, bank account number, checking account, savings account, current account,
    kontonummer, konto-nr, konto nr, kontonr, kto-nr, kto nr, kto, bankkonto, girokonto, sparkonto, bankverbindung,
    depotnummer, numéro de compte, compte bancaire, n° de compte, número de cuenta, cuenta bancaria, cuenta corriente,
    conto corrente, numero di conto, número da conta, conta bancária, rekeningnummer, bankrekening, kontonummeret,
    bankgiro, plusgiro, numer konta, numer rachunku, rachunek bankowy, tilinumero, bankszámlaszám, číslo účtu,
    номер счета, номер счёта, расчетный счет, расчётный счёт, r/s, 银行账号, 口座番号, 계좌번호 | Konto, account
us.rtn | ACCOUNT | 9-9 | routing number, routing no, routing transit number, routing/transit, aba number, aba routing,
    aba no, bank routing, transit routing number | ABA, RTN, ABN
-sort-code | ACCOUNT | 6-6 | sort code, sort-code, sortcode, bank sort code |
-blz | ACCOUNT | 8-8 | bankleitzahl, blz | BLZ
-bsb | ACCOUNT | 6-6 | bsb number, bsb no, bank state branch | BSB
-ifsc | ACCOUNT | 11-11 | ifsc code, ifsc | IFSC
-transit | ACCOUNT | 5-9 | transit number, institution number, branch code, bank code, code banque, code guichet |
-clabe | ACCOUNT | 18-18 | clave bancaria estandarizada, clabe interbancaria | CLABE
ar.cbu | ACCOUNT | 22-22 | clave bancaria uniforme, clave virtual uniforme | CBU, CVU
cz.bankaccount | ACCOUNT | 6-20 | bankovní účet, bankovního účtu, číslo bankovního účtu |
es.ccc | ACCOUNT | 20-20 | código cuenta corriente, código cuenta cliente | CCC
no.kontonr | ACCOUNT | 11-11 | bankkontonummer |
nz.bankaccount | ACCOUNT | 15-16 | nz bank account, bank a/c |
ch.esr, be.ogm_vcs, iso11649 | ACCOUNT | 8-27 | esr-referenz, esr referenz, qr-referenz, qr reference, referenznummer,
    payment reference, gestructureerde mededeling, communication structurée, creditor reference,
    structured creditor reference, verwendungszweck | ESR, ISR
bic, iso9362 | ACCOUNT | 8-11 | swift code, swift-code, swift/bic, bic/swift, bic-code, bic code,
    bank identifier code, swift | BIC, SWIFT
iban, be.iban, es.iban, me.iban, no.iban | IBAN | 14-34 | international bank account number, iban |
-licence | LICENCE | 4-20 | driver license, driver licence, driver's license, driver's licence, drivers license,
    drivers licence, driving license, driving licence, driver license number, driver's license number,
    drivers license number, driving licence number, driver's permit, driving permit, operator license,
    operator's license, dln, dl number, dl no, dl #, license id, licence id, führerschein, führerscheinnummer,
    führerschein-nr, führerausweis, fahrerlaubnis, fahrerlaubnisnummer, permis de conduire, permiso de conducir,
    licencia de conducir, carnet de conducir, patente di guida, carta de condução, carteira de motorista,
    carteira de habilitação, rijbewijs, rijbewijsnummer, prawo jazdy, körkort, körkortsnummer, førerkort, kørekort,
    ajokortti, řidičský průkaz, vodičský preukaz, vezetői engedély, vozačka dozvola, permis auto, ehliyet,
    license number, licence number, license no, licence no, driver license #,
    водительское удостоверение, 驾驶证, 运転免許証, 運転免許, 운전면허 |
    DL, D.L., CNH, license, licence
-plate | PLATE | 4-9 | license plate, licence plate, number plate, plate number, plate no, vehicle registration,
    registration plate, reg number, reg no, registration mark, kennzeichen, kfz-kennzeichen, autokennzeichen,
    amtliches kennzeichen, nummernschild, plaque d'immatriculation, immatriculation, matrícula, targa, kenteken,
    registreringsnummer, numer rejestracyjny, rendszám, poznávací značka, госномер |
-vin | PLATE | 11-17 | vehicle identification number, vehicle identification, chassis number, chassis no,
    fahrgestellnummer, fahrzeug-identifizierungsnummer, fahrzeugidentifizierungsnummer, fahrzeug-identnummer,
    fin-nummer, numéro de châssis, número de chasis, numero di telaio, vin number | VIN, FIN
"""

ACCOUNTS: tuple[Kind, ...] = tuple(parsed(_TABLE))
