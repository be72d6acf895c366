-- What was measured of collections.

-- name: insert_evaluation
insert into evaluation (collection_id, generation_id, dataset, asked, at, below_baseline, configuration, metrics, per_query)
values (%(collection)s, %(generation)s, %(dataset)s, %(asked)s, %(at)s, %(below_baseline)s, %(configuration)s,
        %(metrics)s, %(per_query)s)
returning id;

-- name: find_evaluation
select e.id, e.configuration, e.metrics, e.per_query
from evaluation e
where e.id = %(id)s;

-- name: latest_evaluation
-- The latest run that asked the same in the same mode and can be a baseline.
select e.id, e.configuration, e.metrics, e.per_query
from evaluation e
where e.collection_id = %(collection)s and e.dataset = %(dataset)s and e.asked = %(asked)s
  and jsonb_exists(e.metrics -> 'modes', %(mode)s) and not e.below_baseline
order by e.at desc, e.id desc
limit 1;

-- name: count_evaluations
-- How many runs there are of a dataset, whatever they asked.
select count(*) as runs from evaluation e where e.collection_id = %(collection)s and e.dataset = %(dataset)s;

-- name: latest_reranked
-- What the latest run with and without a reranker showed, on the vectors that serve now.
select e.id, e.dataset, e.at, e.configuration ->> 'reranker' as reranker, difference
from evaluation e
cross join lateral jsonb_array_elements(e.metrics -> 'differences') as difference
where e.collection_id = %(collection)s and e.generation_id = %(generation)s
  and difference ->> 'after' = (difference ->> 'before') || '+rerank'
order by e.at desc, e.id desc, difference ->> 'before' = 'hybrid' desc
limit 1;
