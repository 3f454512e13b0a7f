-- The limits of texts are those of order/order.h, in bytes.
CREATE TABLE orders (
    id              uuid PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE CHECK (idempotency_key ~ '^[!-~]{1,64}$'),
    customer_id     bigint NOT NULL REFERENCES customers (id),
    status          text NOT NULL CHECK (status IN ('pending', 'paid', 'declined')),
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    note            text CHECK (octet_length(note) BETWEEN 1 AND 280),
    metadata        jsonb NOT NULL DEFAULT '{}'
                    CONSTRAINT metadata_is_an_object CHECK (jsonb_typeof(metadata) = 'object'),
    payment_id      text CHECK (octet_length(payment_id) BETWEEN 1 AND 64),
    created_at      timestamptz NOT NULL,
    paid_at         timestamptz,
    version         integer NOT NULL DEFAULT 1 CHECK (version >= 1),

    -- jsonb is written with blanks of its own, so that its text may be longer than what came in.
    CONSTRAINT metadata_fits CHECK (octet_length(metadata::text) <= 1024),
    CONSTRAINT paid_orders_say_when CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
    CONSTRAINT paid_orders_have_a_payment CHECK ((status = 'paid') = (payment_id IS NOT NULL))
);
