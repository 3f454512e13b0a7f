CREATE TABLE order_lines (
    order_id   uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position   integer NOT NULL CHECK (position BETWEEN 1 AND 50),
    sku        text NOT NULL CHECK (octet_length(sku) BETWEEN 1 AND 40),
    quantity   integer NOT NULL CHECK (quantity > 0),
    unit_cents bigint NOT NULL CHECK (unit_cents >= 0),
    PRIMARY KEY (order_id, position),
    UNIQUE (order_id, sku)
);
