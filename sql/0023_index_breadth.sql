-- How broadly searches walk an HNSW index: the breadth at which vector_index found enough of the nearest. No row: RAP_SEARCH__EF_SEARCH.
create table index_breadths (
    index_name  text primary key,
    ef_search   integer not null check (ef_search between 1 and 1000),
    measured_at timestamptz not null default now()
);
