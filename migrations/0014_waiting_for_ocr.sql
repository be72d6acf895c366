-- Problems of pictures and scans that nothing reads on this machine now. Until here the reason alone told.
alter table problem add column needs_ocr boolean not null default false;
update problem set needs_ocr = true where reason like 'needs OCR%';
