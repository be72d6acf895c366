-- What was measured to tell when a collection does not answer a question.

-- name: find_abstention
select threshold, floor, sentences, chunks from abstention where generation_id = %(generation)s;

-- name: keep_abstention
-- Nothing where the generation is gone meanwhile.
insert into abstention (generation_id, threshold, floor, sentences, chunks)
select g.id, %(threshold)s, %(floor)s, %(sentences)s, %(chunks)s from generation g where g.id = %(generation)s
on conflict (generation_id) do update
set threshold = excluded.threshold, floor = excluded.floor, sentences = excluded.sentences, chunks = excluded.chunks;
