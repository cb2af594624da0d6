-- The catalog is written at several nodes. What is replicated is the log of operations, and each node folds
-- it into its rows (docs/catalog-nodes.md).

-- The node that this database is. One that joined later puts its name before the numbers that it gives.
create table this_node (
  id text collate "C" not null default 'catalog',
  is_origin boolean not null default true,
  -- The version of merge-rules.yaml that merge_unit holds, and a digest of its content.
  rules int not null default 1,
  rules_digest text
);
create unique index this_node_is_one_row on this_node ((true));
insert into this_node default values;

-- Columns that are merged together, and how this node's writers want that done. Each operation keeps the
-- strategy of its writer, so nodes may differ.
create table merge_unit (
  entity text collate "C" not null,
  unit text collate "C" not null,
  columns text[] not null,
  strategy text collate "C" not null,
  primary key (entity, unit)
);
insert into merge_unit (entity, unit, columns, strategy) values
  ('Product', 'name', '{name}', 'MANUAL'),
  ('Product', 'description', '{description}', 'LATEST'),
  ('Product', 'price', '{price}', 'custom:lowest_price@1'),
  ('Product', 'discontinued', '{discontinued}', 'LATEST'),
  ('Product', 'tags', '{tags}', 'UNION'),
  ('Product', 'supplier', '{supplier_id}', 'LATEST'),
  ('Product', 'creation', '{created_at,creation_key,creation_hash}', 'LATEST'),
  ('Supplier', 'name', '{name}', 'LATEST'),
  ('Supplier', 'contact', '{email,phone}', 'FIELD_WISE'),
  ('Supplier', 'deliveries', '{deliveries}', 'ADD'),
  ('Supplier', 'creation', '{created_at,creation_key,creation_hash}', 'LATEST');

create sequence operation_sequence;

-- One change of one row by one writer. It is never changed.
create table operation (
  node text collate "C" not null,
  -- Operations of one row by one node are in the order of it.
  sequence bigint not null,
  entity text collate "C" not null check (entity in ('Product', 'Supplier')),
  id text collate "C" not null,
  kind text collate "C" not null check (kind in ('CREATE', 'EDIT', 'DELETE', 'RESOLUTION')),
  -- By column its new value. In an EDIT, under ADD what is added; under UNION {"add": [], "remove": []}.
  patch jsonb not null,
  -- A hybrid logical clock: milliseconds * 4096, and more than that of any operation of the row before.
  clock bigint not null,
  -- By node the greatest sequence of the operations of this row that the writer's database had.
  seen jsonb not null,
  -- By unit that the patch touches, how its writer wants it merged; and the version of those rules.
  strategies jsonb not null,
  rules int not null,
  written_at timestamptz(3) not null,
  primary key (node, sequence)
);
create index operation_of_row on operation (entity, id);

-- What this database has of a row's operations.
create table entity_state (
  entity text collate "C" not null,
  id text collate "C" not null,
  -- By node the greatest sequence; and the same without deletions.
  seen jsonb not null,
  edits jsonb not null,
  clock bigint not null,
  updated_at timestamptz(3) not null,
  -- By unit its columns' values before the oldest operation that is still in the log.
  bases jsonb not null default '{}',
  primary key (entity, id)
);

-- Operations that did not know of one another, of which not all got their way. It follows from the log.
create table conflict (
  entity text collate "C" not null,
  id text collate "C" not null,
  field text collate "C" not null,
  first_node text collate "C" not null,
  first_sequence bigint not null,
  -- The value before.
  base jsonb,
  -- {"value", "node", "sequence", "at"}; the node is null if the value is nobody's.
  winner jsonb not null,
  losers jsonb not null,
  strategy text collate "C" not null,
  status text collate "C" not null check (status in ('OPEN', 'SETTLED', 'RESOLVED', 'SUPERSEDED')),
  opened_at timestamptz(3) not null,
  -- The operation that followed on the field.
  resolved_by_node text collate "C",
  resolved_by_sequence bigint,
  resolved_at timestamptz(3),
  primary key (entity, id, field, first_node, first_sequence)
);
create index conflict_by_time on conflict (opened_at desc, entity, id, field);
create index conflict_open on conflict (opened_at desc, entity, id, field) where status = 'OPEN';

-- Their bodies are in functions/.
create function new_id(number bigint) returns text language plpgsql as 'begin end';
create function wall_clock() returns timestamptz language plpgsql as 'begin end';
create function capture_change() returns trigger language plpgsql as 'begin end';
create function fold_arrived() returns trigger language plpgsql as 'begin end';
create function note_names() returns trigger language plpgsql as 'begin end';
create function forget_rows() returns trigger language plpgsql as 'begin end';

-- Tags are in order, each once, so that equal sets are equal values.
create function are_tags(tags text[]) returns boolean
  language sql immutable strict parallel safe
  return tags = '{}' or (
    tags = array(select distinct tag collate "C" from unnest(tags) as tag order by 1)
    and (select bool_and(length(tag) between 1 and 50) from unnest(tags) as tag)
  );

create sequence supplier_number;
create table supplier (
  id text collate "C" primary key default new_id(nextval('supplier_number')),
  id_length bigint not null generated always as (length(id)) stored,
  name text not null,
  email text,
  phone text,
  -- How many have arrived from it.
  deliveries bigint not null default 0,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  creation_key text collate "C",
  creation_hash text collate "C",
  constraint supplier_id_length check (length(id) between 1 and 100),
  constraint supplier_name_length check (length(name) between 1 and 200),
  constraint supplier_email_length check (length(email) between 1 and 200),
  constraint supplier_phone_length check (length(phone) between 1 and 50),
  constraint supplier_creation_key check (
    (creation_key is null) = (creation_hash is null) and length(creation_key) between 1 and 100
  )
);
create index supplier_by_id on supplier (id_length, id);
create index supplier_by_key on supplier (creation_key) where creation_key is not null;

-- A supplier may be deleted at one node while another gives it to a product: that is no foreign key.
alter table product
  alter id set default new_id(nextval('product_number')),
  add tags text[] not null default '{}',
  add supplier_id text collate "C",
  add constraint product_tags check (are_tags(tags)),
  add constraint product_supplier_length check (length(supplier_id) between 1 and 100);

-- Names and creation keys are unique at a node (functions/2-6-unique.sql). Two nodes may give one at once,
-- and a constraint would stop the replication.
alter table product drop constraint product_name_unique;
create index product_by_name on product (name_key, id);
drop index product_of_key;
create index product_by_key on product (creation_key) where creation_key is not null;

-- What was there before was created by this node.
with numbered as (
  insert into operation (node, sequence, entity, id, kind, patch, clock, seen, strategies, rules, written_at)
    select
      this_node.id, nextval('operation_sequence'), 'Product', product.id, 'CREATE',
      to_jsonb(product) - '{id,id_length,name_key,search_key,updated_at}'::text[],
      (extract(epoch from updated_at) * 1000)::bigint * 4096, '{}',
      (select jsonb_object_agg(unit, strategy) from merge_unit where entity = 'Product'), 1, updated_at
    from product, this_node
    returning *
)
insert into entity_state (entity, id, seen, edits, clock, updated_at)
  select entity, id, jsonb_build_object(node, sequence), jsonb_build_object(node, sequence), clock, written_at
  from numbered;

-- Local writes become operations, whoever writes. Rows that a fold writes do not.
create trigger capture_update before update on product for each row
  when (current_setting('teranga.folding', true) is distinct from 'on')
  execute function capture_change('Product');
create trigger capture after insert or delete on product for each row
  when (current_setting('teranga.folding', true) is distinct from 'on')
  execute function capture_change('Product');
create trigger capture_update before update on supplier for each row
  when (current_setting('teranga.folding', true) is distinct from 'on')
  execute function capture_change('Supplier');
create trigger capture after insert or delete on supplier for each row
  when (current_setting('teranga.folding', true) is distinct from 'on')
  execute function capture_change('Supplier');
create trigger names after insert or delete or update of name on product for each row
  when (current_setting('teranga.folding', true) is distinct from 'on')
  execute function note_names();
create trigger forget before truncate on product for each statement execute function forget_rows('Product');
create trigger forget before truncate on supplier for each statement execute function forget_rows('Supplier');

-- Operations of other nodes are folded into the rows. The copy of a node that joins has rows of its own.
create trigger fold after insert on operation for each row
  when (current_setting('teranga.copying', true) is distinct from 'on')
  execute function fold_arrived();
alter table operation enable replica trigger fold;
