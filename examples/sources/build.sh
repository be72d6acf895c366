#!/bin/sh
# Makes the PDF and DOCX files of ../company from the HTML sources beside this script. Needs LibreOffice Writer.
set -eu
cd "$(dirname "$0")"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

convert() { # source, format, output folder
    soffice "-env:UserInstallation=file://$profile" --headless --infilter="HTML (StarWriter)" \
        --convert-to "$2" --outdir "../company/$3" "$1" >/dev/null
}

convert expenses-2026.html  "pdf:writer_pdf_Export"     finance
convert data-retention.html "pdf:writer_pdf_Export"     legal
convert leave-policy.html   "docx:MS Word 2007 XML"     hr
convert nda-template.html   "docx:MS Word 2007 XML"     legal
