package peer;

import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.DslStoreSuppliers;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Tumbling windows of 1, 5 and 60 minutes over a topic of orders: count, sum, least, greatest, first and last, with ten seconds
 * of grace, each in a store of its own that keeps a day. The results go to the topics APPLICATION_1min, _5min and _60min, which
 * must be there.
 *
 * <pre>
 * peer.Windows --bootstrap HOST:PORT --topic NAME --state DIR --application ID --emit cached|on-close
 *     [--threads 2] [--cache-mib 256] [--guarantee at_least_once] [--store rocksdb|memory] [--commit-ms 30000]
 *     [--emit-ms 0] [--compression none] [--changelog on]
 * </pre>
 *
 * cached: a window that changed has a result when its thread's part of the record cache is flushed, that is when the cache is
 * full and when the thread commits. on-close: a window has one result, when the time of its partition is at its end and ten
 * seconds; one that is open at the end of the topic has none. No cache is used then, which Kafka Streams itself sees to.
 *
 * Starts on the topic as it is now, waits until every record up to its end is in the stores, and its offset is committed, which
 * Kafka Streams does behind the acknowledgement of all results; prints one line:
 *
 * <pre>
 * records=1000000 seconds=12.345 cpu_seconds=20.90 peak_rss_mib=700.1
 * </pre>
 *
 * seconds: from start() until the ends are committed; the start of the Java machine is not in it. A partition's end is committed
 * as soon as it is reached, not when the next commit is due.
 */
public final class Windows {
    private static final double LIMIT = 600;
    private static final Duration GRACE = Duration.ofSeconds(10);
    private static final Duration RETENTION = Duration.ofDays(1);
    /** How often windows that closed are looked for; its name is not public. */
    private static final String EMIT_INTERVAL = "__emit.interval.ms.kstreams.windowed.aggregation__";

    public static void main(String[] arguments) throws Exception {
        Application application = new Application(
                arguments, "--bootstrap HOST:PORT --topic NAME --state DIR --application ID --emit cached|on-close");
        String topic = application.needed("topic");
        Map<String, String> options = application.options();
        boolean cached = application.needed("emit").equals("cached");
        DslStoreSuppliers kind = options.getOrDefault("store", "rocksdb").equals("memory")
                ? BuiltInDslStoreSuppliers.IN_MEMORY
                : BuiltInDslStoreSuppliers.ROCKS_DB;
        boolean logged = !options.getOrDefault("changelog", "on").equals("off");

        Progress progress = application.progress(topic);
        StreamsBuilder builder = new StreamsBuilder();
        KStream<Long, Order> orders = builder.stream(topic, Consumed.with(Serdes.Long(), Order.serde()));
        for (int minutes : new int[] {1, 5, 60}) {
            Duration size = Duration.ofMinutes(minutes);
            // The store is of the kind that Kafka Streams chooses for the way of emitting: sorted by time where it closes windows.
            Materialized<Long, Totals, WindowStore<Bytes, byte[]>> kept = Materialized
                    .<Long, Totals, WindowStore<Bytes, byte[]>>as("totals-" + minutes)
                    .withStoreType(kind)
                    .withRetention(RETENTION)
                    .withKeySerde(Serdes.Long())
                    .withValueSerde(Totals.stored());
            kept = logged ? kept : kept.withLoggingDisabled();
            orders.groupByKey(Grouped.with(Serdes.Long(), Order.serde()))
                    .windowedBy(TimeWindows.ofSizeAndGrace(size, GRACE))
                    .emitStrategy(cached ? EmitStrategy.onWindowUpdate() : EmitStrategy.onWindowClose())
                    .aggregate(
                            () -> Totals.NONE,
                            (id, order, totals) -> totals.with(order),
                            cached ? kept.withCachingEnabled() : kept.withCachingDisabled())
                    .toStream()
                    .to(
                            application.id() + "_" + minutes + "min",
                            Produced.with(WindowedSerdes.timeWindowedSerdeFrom(Long.class, size.toMillis()), Totals.result()));
        }
        // The last of those that a record comes to, so it is in all windows.
        orders.process(progress.watch(true));

        Properties properties = properties(application);
        KafkaStreams streams = new KafkaStreams(builder.build(properties), properties);
        streams.setGlobalStateRestoreListener(progress);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });

        try (Admin admin = Admin.create(
                Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, application.needed("bootstrap")))) {
            Used used = new Used();
            streams.start();
            while (!progress.missing().await(1, TimeUnit.MILLISECONDS) || !progress.areEnds(committed(admin, application))) {
                if (streams.state().hasStartedOrFinishedShuttingDown() || used.seconds() > LIMIT) {
                    System.err.println("the windows did not get to the end of the topic: they are " + streams.state());
                    System.exit(1);
                }
                if (progress.missing().getCount() == 0) {
                    Thread.sleep(1);
                }
            }
            used.end();
            System.out.println(String.format(Locale.ROOT, "records=%d %s", progress.records(), used));
        }
        streams.close(Duration.ofSeconds(30));
    }

    private static Map<Integer, Long> committed(Admin admin, Application application) throws Exception {
        Map<Integer, Long> offsets = new HashMap<>();
        admin.listConsumerGroupOffsets(application.id())
                .partitionsToOffsetAndMetadata()
                .get()
                .forEach((partition, offset) -> offsets.put(partition.partition(), offset.offset()));
        return offsets;
    }

    private static Properties properties(Application application) {
        Map<String, String> options = application.options();
        Properties properties = application.properties();
        long cache = Long.parseLong(options.getOrDefault("cache-mib", "256")) << 20;
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, cache);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, options.getOrDefault("commit-ms", "30000"));
        String guarantee = options.getOrDefault("guarantee", StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
        properties.put(EMIT_INTERVAL, Long.parseLong(options.getOrDefault("emit-ms", "0")));
        // Changelogs and results in large batches.
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L << 20);
        String compression = options.getOrDefault("compression", "none");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), compression);
        return properties;
    }
}
