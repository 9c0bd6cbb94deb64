package peer;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * The payload of the benchmarks, behind its key: framed Avro by hand, as fast as it can be written here. The amount is
 * kept as the mantissa of scale 4, as the floor keeps it; a BigDecimal would only cost the peer time.
 */
record Order(int schema, String customer, long amount, int qty, long ts) {

    static final long LIMIT = 1_000_000_000_000_000_000L;

    static Serde<Order> serde() {
        return Serdes.serdeFrom((topic, order) -> order == null ? null : order.encode(), (topic, data) -> data == null ? null : decode(data));
    }

    static Order decode(byte[] data) {
        if (data.length < 5 || data[0] != 0) {
            throw new SerializationException("no frame");
        }
        int schema = (data[1] & 0xff) << 24 | (data[2] & 0xff) << 16 | (data[3] & 0xff) << 8 | data[4] & 0xff;
        Input input = new Input(data);
        int length = input.length();
        // Refuses what is not UTF-8 only by replacement characters; the peer is not made to check it.
        String customer = new String(data, input.at, length, StandardCharsets.UTF_8);
        input.at += length;
        length = input.length();
        if (length < 1 || length > 8) {
            throw new SerializationException("a decimal of " + length + " bytes");
        }
        long amount = data[input.at];
        for (int at = 1; at < length; at++) {
            amount = amount << 8 | data[input.at + at] & 0xff;
        }
        input.at += length;
        if (amount <= -LIMIT || amount >= LIMIT) {
            throw new SerializationException("a decimal of more than 18 digits");
        }
        return new Order(schema, customer, amount, Math.toIntExact(input.number()), input.number());
    }

    byte[] encode() {
        byte[] text = customer.getBytes(StandardCharsets.UTF_8);
        byte[] out = new byte[5 + Wire.size(text.length) + text.length + Wire.sizeOfDecimal(amount) + Wire.size(qty) + Wire.size(ts)];
        out[1] = (byte) (schema >> 24);
        out[2] = (byte) (schema >> 16);
        out[3] = (byte) (schema >> 8);
        out[4] = (byte) schema;
        int at = Wire.put(out, 5, text.length);
        System.arraycopy(text, 0, out, at, text.length);
        at = Wire.putDecimal(out, at + text.length, amount);
        Wire.put(out, Wire.put(out, at, qty), ts);
        return out;
    }

    private static final class Input {
        private final byte[] data;
        private int at = 5;

        Input(byte[] data) {
            this.data = data;
        }

        long number() {
            long value = 0;
            for (int shift = 0; shift < 70; shift += 7) {
                byte next = data[at++];
                value |= (long) (next & 0x7f) << shift;
                if (next >= 0) {
                    return value >>> 1 ^ -(value & 1);
                }
            }
            throw new SerializationException("a number without an end");
        }

        int length() {
            long length = number();
            if (length < 0 || length > data.length - at) {
                throw new SerializationException("a length of " + length);
            }
            return (int) length;
        }
    }
}
