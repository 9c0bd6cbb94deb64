package peer;

/** Avro's bytes of numbers, and of decimals by their mantissas, into an array that has room for them. */
final class Wire {
    private Wire() {}

    static int size(long value) {
        long rest = value << 1 ^ value >> 63;
        return Math.max(1, (64 - Long.numberOfLeadingZeros(rest) + 6) / 7);
    }

    static int put(byte[] out, int at, long value) {
        long rest = value << 1 ^ value >> 63;
        while ((rest & ~0x7fL) != 0) {
            out[at++] = (byte) (rest & 0x7f | 0x80);
            rest >>>= 7;
        }
        out[at++] = (byte) rest;
        return at;
    }

    static int sizeOfDecimal(long mantissa) {
        return 1 + bytes(mantissa);
    }

    static int putDecimal(byte[] out, int at, long mantissa) {
        int bytes = bytes(mantissa);
        at = put(out, at, bytes);
        for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
            out[at++] = (byte) (mantissa >> shift);
        }
        return at;
    }

    private static int bytes(long mantissa) {
        return (65 - Long.numberOfLeadingZeros(mantissa ^ mantissa >> 63) + 7) / 8;
    }
}
