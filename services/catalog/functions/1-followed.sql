-- The tables whose changes are recorded in the outbox (kit/src/outbox/sql).
select follow_changes('product', 'Product', 'id');
select follow_changes('supplier', 'Supplier', 'id');
