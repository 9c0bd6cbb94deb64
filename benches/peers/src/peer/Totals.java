package peer;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * What the orders of a window come to. In the store of a fixed size, which is the fastest to write and read again; in the
 * topic of the results framed Avro of nullable fields, as ksqlDB writes it. Amounts are mantissas of scale 4.
 */
record Totals(long count, long sum, int least, int greatest, long first, long last) {
    static final Totals NONE = new Totals(0, 0, Integer.MAX_VALUE, Integer.MIN_VALUE, 0, 0);
    private static final int SIZE = 4 * Long.BYTES + 2 * Integer.BYTES;

    Totals with(Order order) {
        return new Totals(
                count + 1,
                Math.addExact(sum, order.amount()),
                Math.min(least, order.qty()),
                Math.max(greatest, order.qty()),
                count == 0 ? order.amount() : first,
                order.amount());
    }

    static Serde<Totals> stored() {
        return Serdes.serdeFrom((topic, totals) -> totals == null ? null : totals.store(), (topic, data) -> data == null ? null : read(data));
    }

    private byte[] store() {
        ByteBuffer out = ByteBuffer.allocate(SIZE);
        out.putLong(count).putLong(sum).putInt(least).putInt(greatest).putLong(first).putLong(last);
        return out.array();
    }

    private static Totals read(byte[] data) {
        ByteBuffer in = ByteBuffer.wrap(data);
        return new Totals(in.getLong(), in.getLong(), in.getInt(), in.getInt(), in.getLong(), in.getLong());
    }

    /** Written only. */
    static Serde<Totals> result() {
        return Serdes.serdeFrom((topic, totals) -> totals == null ? null : totals.encode(), (topic, data) -> {
            throw new UnsupportedOperationException("results are not read");
        });
    }

    private byte[] encode() {
        // A frame, and a byte before each field that says it is not null.
        byte[] out = new byte[5 + 6
                + Wire.size(count) + Wire.sizeOfDecimal(sum) + Wire.size(least) + Wire.size(greatest)
                + Wire.sizeOfDecimal(first) + Wire.sizeOfDecimal(last)];
        out[4] = 1;
        int at = Wire.put(out, some(out, 5), count);
        at = Wire.putDecimal(out, some(out, at), sum);
        at = Wire.put(out, some(out, at), least);
        at = Wire.put(out, some(out, at), greatest);
        at = Wire.putDecimal(out, some(out, at), first);
        Wire.putDecimal(out, some(out, at), last);
        return out;
    }

    private static int some(byte[] out, int at) {
        out[at] = 2;
        return at + 1;
    }
}
