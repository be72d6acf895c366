"""The identity, tax, health and company numbers of the world, with what people write before them.

Names and lengths are those of python-stdnum 2.2, whose modules cite the issuing authority. Rows with a leading dash are
of the issuers themselves; passports follow ICAO Doc 9303, whose nine characters are six to twelve in practice.
"""

from __future__ import annotations

from hybridrag.privacy.finders.kinds import Kind, parsed

# modules | TYPE | letters and digits | labels | words that also mean something else
_TABLE = """
-passport | PASSPORT | 6-12 | passport, passport number, passport no, passport card, travel document, reisepass,
    reisepassnummer, passnummer, pass-nr, passport id, passeport, pasaporte, passaporto, passaporte, paspoort,
    paspoortnummer, pas nummer, paszport, passi, pass number, útlevél, cestovní pas, паспорт, паспорта, διαβατήριο,
    护照, 護照, パスポート, 여권, جواز السفر, דרכון |
nl.identiteitskaartnummer | PASSPORT | 9-9 | identiteitskaartnummer, identiteitskaart, documentnummer |
-de-ausweis | ID | 9-11 | personalausweis, personalausweisnummer, ausweisnummer, ausweis-nr, personalausweis-nr,
    perso-nr, ausweiskennnummer, aufenthaltstitel, identity card, id card, id-card, national id, nationalid,
    national identification, national identity, government id, identity number, identity no, identity document,
    identification number, carte d'identité, carta d'identità, documento de identidad, documento de identificação,
    tarjeta de identidad, identitetskort, id-nummer, identity card number, seria și numărul | ID no, ID number, ID nr
-generic-tax | ID | 7-17 | tax id, tax identification number, taxpayer identification number, taxpayer id, tax number,
    tax file number, tax reference, tax payer id, taxpayer number, steuer-nr, steuernr, fiscal code, fiscal number,
    numéro fiscal, numero fiscale, número fiscal, identificación fiscal, identification fiscale, vat id, vat number,
    vat no, vat reg no, vat registration, vat registration number, vat identification number,
    national insurance number, social insurance number, social security number, insurance number, social insurance,
    health insurance number, health card, health card number, medicare, medicare number, medicaid, medicaid number,
    patient id, patient number, medical record, medical record number, patientennummer, member id, insurance policy,
    voter id, voter registration, student id, student number, matriculation number, matrikelnummer, employee id,
    employee number, personalnummer, badge number, resident id, residence permit, residence card, green card,
    alien registration, alien number, visa number, citizen id, citizenship number, military id, company number,
    company registration, company reg no, registration number, business number, kundennummer, customer id,
    customer number, versicherungsnummer, versicherungsschein | TIN, UTR, MRN, VAT, A-Number, UID
ad.nrt | ID | 8-8 | número de registre tributari | NRT
al.nipt | ID | 10-10 | numri i identifikimit | NIPT, NUIS
ar.cuit | ID | 11-11 | clave única de identificación | CUIT, CUIL
ar.dni, es.dni, es.nif, es.nie, es.cif, pe.cui | ID | 7-9 | documento nacional de identidad, documento nacional,
    número de identificación de extranjero, número de identidad, cédula única, nif/cif | DNI, NIF, NIE, CIF, D.N.I.,
    N.I.F., N.I.E., CUI
at.businessid | ID | 5-7 | firmenbuchnummer, firmenbuch-nr, firmenbuch | FN
at.tin | ID | 9-9 | abgabenkontonummer, abgabenkonto |
at.uid, de.vat, vatin, eu.vat, eu.oss | ID | 8-16 | umsatzsteuer-id, umsatzsteueridentifikationsnummer,
    umsatzsteuer-identifikationsnummer, umsatzsteuer-identnummer, ust-id, ust-idnr, ust-id-nr, ustidnr, ust id nr,
    mehrwertsteuernummer, mwst-nr, mwst-nummer, uid-nummer, uid-nr, vatin, btw-nummer, tva intracommunautaire,
    numéro de tva, partita iva | UID
at.vnr | ID | 10-10 | sozialversicherungsnummer, sozialversicherungs-nr, sv-nummer, sv-nr, svnr, e-card | SVNR, VSNR,
    VNR
au.abn | ID | 11-11 | australian business number | ABN
au.acn | ID | 9-9 | australian company number | ACN
au.tfn | ID | 8-9 | tax file no, tax file | TFN
az.voen | ID | 10-10 | vergi ödəyicisinin eyniləşdirmə nömrəsi, vöen | VOEN
be.nn, be.bis, be.ssn | ID | 11-11 | rijksregisternummer, rijksregister, insz-nummer, numéro national,
    registre national, numéro de registre national, nationalregisternummer, bis-nummer, numéro bis | NISS, INSZ, RRN
be.eid | ID | 12-12 | belgian identity card, carte d'identité électronique, eid-nummer, identiteitskaart nummer,
    elektronische identiteitskaart | eID
be.vat | ID | 9-12 | ondernemingsnummer, numéro d'entreprise, unternehmensnummer | BTW, BCE, KBO
bg.egn | ID | 10-10 | единен граждански номер, edinen grazhdanski nomer, егн | EGN
bg.pnf | ID | 10-10 | личен номер на чужденец, лнч | LNC, PNF
bg.vat | ID | 9-12 | идентификационен номер по ддс, булстат, еик, bulstat, eik |
br.cpf | ID | 11-11 | cadastro de pessoas físicas, cadastro de pessoa física | CPF
br.cnpj | ID | 14-14 | cadastro nacional da pessoa jurídica | CNPJ
by.unp | ID | 9-9 | учетный номер плательщика, унп | UNP
ca.bc_phn | ID | 10-10 | personal health number, bc services card, carecard | PHN
ca.bn | ID | 9-15 | canadian business number, business no, numéro d'entreprise | BN
ca.sin | ID | 9-9 | social insurance no, numéro d'assurance sociale | SIN, NAS, S.I.N.
ch.ssn | ID | 13-13 | ahv-nummer, ahv-nr, ahvn13, ahv nummer, numéro avs, numero avs, sozialversicherungsnummer ahv |
    AHV, AVS, NAVS
ch.uid, ch.vat | ID | 9-15 | unternehmens-identifikationsnummer, unternehmensidentifikationsnummer, numéro ide | IDE,
    IDI
cl.rut, uy.rut | ID | 7-12 | rol único tributario, rol único nacional, registro único tributario | RUT, RUN
cn.ric | ID | 15-18 | resident identity card, shenfenzheng, 身份证, 身份证号, 身份证号码, 公民身份号码, 身分證 | RIC
cn.uscc | ID | 18-18 | unified social credit, unified social credit code, 统一社会信用代码 | USCC
co.nit, gt.nit, sv.nit | ID | 5-14 | número de identificación tributaria, cédula de ciudadanía | NIT
cr.cpf | ID | 7-10 | cédula de persona física, cédula física, cédula de identidad, cédula nacional |
cr.cpj | ID | 10-10 | cédula de persona jurídica, cédula jurídica |
cr.cr | ID | 11-12 | cédula de residencia |
cu.ni | ID | 11-11 | carné de identidad, carnet de identidad |
cy.vat | ID | 9-11 | αριθμός εγγραφής φ.π.α., αριθμός φορολογικού |
cz.dic, sk.dph | ID | 8-12 | daňové identifikační číslo, identifikační číslo, ič dph, identifikačné číslo | DIČ, IČO
cz.rc, sk.rc | ID | 9-10 | rodné číslo, rodne cislo | RČ, RC
de.handelsregisternummer | ID | 3-7 | handelsregister, handelsregisternummer, handelsregister-nr, registergericht |
    HRB, HRA
de.idnr | ID | 11-11 | steuer-id, steuer-idnr, steuer-identifikationsnummer, steueridentifikationsnummer,
    steuerliche identifikationsnummer, steuer-identnummer, identifikationsnummer, idnr, persönliche id, tin-nummer |
    IdNr
de.leitweg | ID | 5-46 | leitweg-id, leitweg |
de.stnr | ID | 10-13 | steuernummer, steuer-nummer, steuer nr, st.-nr, st-nr, stnr, finanzamt nummer |
-de-rvnr | ID | 12-12 | rentenversicherungsnummer, rentenversicherungs-nr, rv-nummer, rv-nr, rvnr,
    versicherungsnummer rentenversicherung, sozialversicherungsausweis |
-de-kvnr | ID | 10-10 | krankenversichertennummer, krankenversicherungsnummer, krankenversicherungs-nr,
    versichertennummer, versicherten-nr, versichertennr, kvnr, kv-nummer, krankenkassennummer, gesundheitskarte |
    KVNR, EGK
dk.cpr | ID | 10-10 | cpr-nummer, cpr-nr, cpr nr, personnummer cpr | CPR
dk.cvr | ID | 8-10 | cvr-nummer, cvr-nr, momsregistreringsnummer, se-nummer | CVR
do.cedula | ID | 11-11 | cédula de identidad y electoral, cédula | CIE
do.ncf | ID | 11-19 | número de comprobante fiscal, comprobante fiscal | NCF
do.rnc | ID | 9-9 | registro nacional del contribuyente | RNC
dz.nif | ID | 15-20 | numéro d'identification fiscale, رقم التعريف الجبائي |
ec.ci | ID | 10-10 | cédula de ciudadanía ecuatoriana, cédula ecuatoriana, número de cédula | C.I.
ec.ruc, pe.ruc, py.ruc | ID | 6-13 | registro único de contribuyentes | RUC
ee.ik | ID | 11-11 | isikukood, personal identification code |
ee.kmkr | ID | 9-11 | käibemaksukohustuslase, kmkr number, kmkr nr | KMKR
ee.registrikood | ID | 8-8 | registrikood, äriregistri kood |
eg.tn | ID | 9-9 | الرقم الضريبي, egyptian tax registration, tax registration number |
es.cae | ID | 13-13 | código de actividad y establecimiento | CAE
es.cups | ID | 20-22 | punto de suministro, código unificado de punto de suministro | CUPS
es.referenciacatastral | ID | 20-20 | referencia catastral |
eu.at_02 | ACCOUNT | 8-35 | creditor identifier, creditor id, gläubiger-id, gläubiger-identifikationsnummer,
    gläubigeridentifikationsnummer, identifiant créancier sepa, identifiant créancier, incassant-id, mandatsreferenz |
fi.alv | ID | 8-10 | arvonlisäveronumero, alv nro, alv-numero | ALV
fi.associationid | ID | 1-6 | yhdistysrekisterinumero, association register number |
fi.hetu | ID | 10-11 | henkilötunnus, henkilötunnukseni, hetu, sosiaaliturvatunnus, personbeteckning | HETU
fi.veronumero | ID | 12-12 | veronumero, veronumeroni |
fi.ytunnus | ID | 7-8 | y-tunnus, ly-tunnus, fo-nummer |
fo.vn | ID | 6-8 | vinnutal, v-tal | V-number
fr.accise | ID | 13-13 | n° d'accise, numéro d'accise |
fr.nif | ID | 13-13 | numéro d'immatriculation fiscale, numéro spi, n° fiscal, référence fiscale | SPI
fr.nir | ID | 13-15 | numéro de sécurité sociale, numéro de sécu, n° de sécurité sociale, n° sécurité sociale,
    sécurité sociale, sécu, numéro insee, numéro d'inscription au répertoire | NIR, INSEE
fr.rcs | ID | 9-9 | registre du commerce, numéro rcs, rcs paris | RCS
fr.siren | ID | 9-9 | numéro siren, n° siren, siren |
fr.siret | ID | 14-14 | numéro siret, n° siret, siret |
fr.tva, mc.tva, lu.tva | ID | 8-13 | n° tva, numéro tva, tva-nummer | TVA
gb.nhs | ID | 10-10 | nhs number, nhs no, nhs id, nhs nummer, national health service number | NHS, CHI
gb.upn | ID | 13-13 | unique pupil number, pupil number | UPN
gb.utr | ID | 10-11 | unique taxpayer reference, self assessment reference, self-assessment reference |
-gb-nino | ID | 9-9 | national insurance no, national insurance, ni number, ni no, nino | NINO
gb.vat | ID | 9-14 | uk vat number, gb vat, vat registration no |
gh.tin | ID | 11-15 | ghana tax, ghana card, ghanacard |
gn.nifp | ID | 9-9 | identification fiscale permanent, identification fiscal permanent | NIFp
gr.amka | ID | 11-11 | αμκα, α.μ.κ.α., αριθμός μητρώου κοινωνικής ασφάλισης | AMKA
gr.vat | ID | 8-11 | αφμ, α.φ.μ., φπα, αριθμός φορολογικού μητρώου | AFM, FPA
hr.oib | ID | 11-11 | osobni identifikacijski broj | OIB
hu.anum | ID | 8-11 | adószám, adószáma, közösségi adószám, adóazonosító, adóazonosító jel, személyi szám,
    személyi igazolvány, taj szám, taj-szám | ANUM, TAJ
id.nik | ID | 16-16 | nomor induk kependudukan, kartu tanda penduduk | NIK, KTP
id.npwp | ID | 15-16 | nomor pokok wajib pajak | NPWP
ie.pps | ID | 8-9 | pps no, pps number, ppsn, personal public service number, personal public service, pps nr | PPS,
    PPSN
ie.vat | ID | 8-10 | irish vat, irish tax reference |
il.hp | ID | 9-9 | מספר חברה, ח.פ., ח״פ, israeli company number |
il.idnr | ID | 8-9 | מספר זהות, תעודת זהות, ת.ז., mispar zehut, teudat zehut |
in_.aadhaar | ID | 12-12 | aadhaar, aadhar, adhaar, aadhaar number, आधार, आधार संख्या | UIDAI
in_.epic | ID | 10-10 | voter id card, electoral photo identity card, elector photo identity card, epic number,
    epic no | EPIC
in_.gstin | ID | 15-15 | gst number, gst no, gst in | GSTIN
in_.pan | ID | 10-10 | permanent account number, pan card, pan number, pan no | PAN
in_.vid | ID | 16-16 | aadhaar virtual id, virtual id, virtual identity number | VID
is_.kennitala | ID | 10-10 | kennitala, kennitölu | KT
is_.vsk | ID | 5-6 | vsk-númer, vsk númer, virðisaukaskattsnúmer | VSK
it.codicefiscale | ID | 11-16 | codice fiscale, cod. fisc., cod fisc, cod. fiscale, tessera sanitaria | CF, C.F.
it.iva | ID | 11-13 | p. iva, p.iva, p iva, numero iva | PIVA, IVA
jp.cn | ID | 13-13 | 法人番号, hōjin bangō, corporate number |
jp.in_ | ID | 12-12 | 個人番号, マイナンバー, kojin bangō, my number |
ke.pin | ID | 11-11 | kra pin, kenya pin | KRA
kr.brn | ID | 10-10 | 사업자등록번호, 사업자 등록 번호, business registration number, business registration | BRN
kr.rrn | ID | 13-13 | 주민등록번호, 주민 등록 번호, resident registration number, resident registration, jumin | RRN
li.peid | ID | 4-12 | peid nummer, personenidentifikationsnummer | PEID
lt.asmens | ID | 11-11 | asmens kodas, asmens kodo |
lt.pvm | ID | 9-14 | pvm kodas, pvm mokėtojo kodas, įmonės kodas | PVM
lv.pvn | ID | 11-13 | pvn numurs, pvn reģistrācijas, personas kods, reģistrācijas numurs | PVN
ma.ice | ID | 15-15 | identifiant commun de l'entreprise, التعريف الموحد للمقاولة | ICE
md.idno | ID | 13-13 | numărul de identificare, cod personal | IDNO, IDNP
me.pib, rs.pib | ID | 8-9 | poreski identifikacioni broj, порески идентификациони број, пиб | PIB
-yu-jmbg, si.emso | ID | 13-13 | jedinstveni matični broj, јединствени матични број, јмбг, enotna matična številka,
    единствен матичен број | JMBG, EMŠO, EMSO, EMBG, ЕМБГ
mk.edb | ID | 13-15 | единствен даночен број, едб | EDB
mt.vat | ID | 8-10 | maltese vat, vat malta |
mu.nid | ID | 14-14 | mauritius id, mauritian id, national identity card number | NID
mx.curp | ID | 18-18 | clave única de registro de población | CURP
mx.rfc | ID | 10-13 | registro federal de contribuyentes | RFC
my.nric | ID | 12-12 | mykad, kad pengenalan, no. kad pengenalan, nric number, nric no | NRIC
-sg-nric | ID | 9-9 | singapore nric, foreign identification number | FIN
mz.nuit | ID | 9-9 | número único de identificação tributaria | NUIT
nl.bsn | ID | 8-9 | burgerservicenummer, bsn-nummer, sofinummer, sofi-nummer, bsn nummer | BSN
nl.btw | ID | 11-14 | btw-identificatienummer, btw-id, btw nr, btw-nr, omzetbelastingnummer | BTW
nl.onderwijsnummer | ID | 9-9 | onderwijsnummer |
no.fodselsnummer | ID | 11-11 | fødselsnummer, fodselsnummer, fødselsnr, personnummer, d-nummer | FNR
no.mva | ID | 9-14 | merverdiavgift, mva-nummer | MVA
no.orgnr, se.orgnr | ID | 9-10 | organisasjonsnummer, organisationsnummer, orgnr, org.nr, org nr, org.-nr | ORGNR
nz.ird | ID | 8-9 | ird number, ird no, inland revenue number | IRD
pk.cnic | ID | 13-13 | computerised national identity card, computerized national identity card, shanakhti card |
    CNIC, NICOP
pl.nip | ID | 10-12 | numer identyfikacji podatkowej | NIP
pl.pesel | ID | 11-11 | numer pesel, nr pesel, pesel |
pl.regon | ID | 9-14 | numer regon, regon |
-pl-dowod | ID | 9-9 | dowód osobisty, dowodu osobistego, numer dowodu, nr dowodu |
pt.cc | ID | 12-12 | cartão de cidadão, número de cartão de cidadão, bilhete de identidade, cartão do cidadão | BI
pt.nif | ID | 9-11 | número de identificação fiscal, número de contribuinte, contribuinte n.º | NIF, NIPC
ro.cf, ro.cui | ID | 2-12 | cod unic de înregistrare, codul unic de înregistrare, cod de identificare fiscală,
    cod fiscal | CUI, CIF
ro.cnp | ID | 13-13 | cod numeric personal, codul numeric personal | CNP
ro.onrc | ID | 5-13 | registrul comerțului, registrul comerţului, nr. reg. com | ONRC
ru.inn | ID | 10-12 | инн, идентификационный номер налогоплательщика | INN
ru.ogrn | ID | 13-15 | огрн, огрнип, ogrn, ogrnip, psrn |
-ru-snils | ID | 11-11 | снилс, snils |
se.personnummer | ID | 10-12 | personnr, samordningsnummer, person-nr, personnummer | PNR
se.vat | ID | 12-14 | momsregistreringsnummer, momsnummer, vat-nummer, momsnr |
sg.uen | ID | 9-10 | unique entity number | UEN
si.ddv | ID | 8-10 | id za ddv, davčna številka, davčna št | DDV
si.maticna | ID | 7-10 | matična številka, matični broj, матични број |
sm.coe | ID | 1-7 | codice operatore economico | COE
sn.ninea | ID | 7-12 | numéro ninea, ninea |
th.moa | ID | 13-13 | memorandum of association | MOA
th.pin, th.tin | ID | 13-13 | เลขประจำตัวประชาชน, เลขบัตรประชาชน, เลขประจำตัวผู้เสียภาษี, thai id, thai national id |
tn.mf | ID | 8-13 | matricule fiscal, matricule fiscale, المعرف الجبائي | MF
tr.tckimlik | ID | 11-11 | kimlik no, kimlik numarası, t.c. kimlik, tc kimlik, kimlik numarasi | TCKN
tr.vkn | ID | 10-10 | vergi kimlik numarası, vergi kimlik no, vergi no, vergi numarası | VKN
tw.ubn | ID | 8-8 | 統一編號, 统一编号, unified business number | UBN
-tw-id | ID | 10-10 | 身份證字號, 身分證字號, 國民身分證 |
ua.edrpou | ID | 7-8 | єдрпоу, едрпоу, edrpou |
ua.rntrc | ID | 10-10 | рнокпп, rntrc, ідентифікаційний код, іпн | IPN
us.ein | ID | 9-9 | employer identification number, employer id, employer identification no, federal tax id,
    federal id | EIN, FEIN
us.itin, us.atin, us.ptin, us.ssn, us.tin | SSN | 9-9 | individual taxpayer identification number,
    adoption taxpayer identification number, preparer tax identification number, social security, social security no |
    ITIN, ATIN, PTIN, SSN, TIN
ve.rif | ID | 9-10 | registro de información fiscal, registro de identificación fiscal | RIF
vn.mst | ID | 10-13 | mã số thuế, ma so thue, căn cước công dân, chứng minh nhân dân | MST, CCCD, CMND
za.idnr | ID | 13-13 | south african id, sa id, rsa id, id nommer, id-nommer |
za.tin | ID | 10-10 | sars tax, income tax reference, income tax number |
imei, meid | ID | 14-19 | international mobile equipment identity, mobile equipment identifier, imei number, imei |
    IMEI, MEID
imsi | ID | 14-15 | international mobile subscriber identity, imsi | IMSI
mac | MAC | 12-12 | mac address, mac-adresse, mac addr, hardware address, physical address, bssid | MAC
"""

IDENTITIES: tuple[Kind, ...] = tuple(parsed(_TABLE))
