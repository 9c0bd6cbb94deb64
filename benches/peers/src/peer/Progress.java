package peer;

import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Knows when every partition was processed up to its end. What the application had committed earlier is not processed
 * again: Kafka Streams has it in the store, restored if need be, before it says that it is running.
 */
final class Progress implements StateRestoreListener {
    private final long[] ends;
    private final boolean[] reached;
    private final CountDownLatch missing;
    private final AtomicLong restored = new AtomicLong();
    private final long records;

    Progress(Map<Integer, Long> ends, Map<Integer, Long> committed) {
        this.ends = new long[ends.size()];
        this.reached = new boolean[ends.size()];
        long records = 0;
        int unread = 0;
        for (Map.Entry<Integer, Long> end : ends.entrySet()) {
            int partition = end.getKey();
            long from = committed.getOrDefault(partition, 0L);
            this.ends[partition] = end.getValue();
            reached[partition] = from >= end.getValue();
            records += Math.max(0, end.getValue() - from);
            unread += reached[partition] ? 0 : 1;
        }
        this.records = records;
        this.missing = new CountDownLatch(unread);
    }

    /** Records between what was committed and the ends. */
    long records() {
        return records;
    }

    /** Whether offsets are the ends. */
    boolean areEnds(Map<Integer, Long> offsets) {
        for (int partition = 0; partition < ends.length; partition++) {
            if (offsets.getOrDefault(partition, 0L) < ends[partition]) {
                return false;
            }
        }
        return true;
    }

    long restored() {
        return restored.get();
    }

    CountDownLatch missing() {
        return missing;
    }

    /**
     * Stands behind the stores: a record that comes here is in them. Each partition has one thread at a time. Where it commits,
     * the end of a partition is committed as soon as it is there, with all results that are waiting.
     */
    ProcessorSupplier<Long, Order, Void, Void> watch(boolean commits) {
        return () -> new ContextualProcessor<>() {
            @Override
            public void process(Record<Long, Order> record) {
                RecordMetadata at = context().recordMetadata().orElseThrow();
                if (at.offset() + 1 >= ends[at.partition()] && !reached[at.partition()]) {
                    reached[at.partition()] = true;
                    if (commits) {
                        context().commit();
                    }
                    missing.countDown();
                }
            }
        };
    }

    @Override
    public void onRestoreStart(TopicPartition partition, String store, long from, long to) {}

    @Override
    public void onBatchRestored(TopicPartition partition, String store, long last, long count) {}

    @Override
    public void onRestoreEnd(TopicPartition partition, String store, long count) {
        restored.addAndGet(count);
    }
}
