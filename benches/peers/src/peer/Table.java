package peer;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;

/**
 * A Kafka Streams table of a topic of orders: key i64 big-endian, value {@link Order}, null deletes.
 *
 * <pre>
 * peer.Table --bootstrap HOST:PORT --topic NAME --state DIR [--last-key KEY] [--threads 2] [--application ID]
 * </pre>
 *
 * Starts on the topic as it is now, with the state in DIR and the offsets of the application (a new one each time unless
 * named), waits until every record up to the ends that the topic had before is in the store, and prints one line:
 *
 * <pre>
 * records=1000000 restored=0 seconds=6.512 rows=98010 cpu_seconds=10.90 peak_rss_mib=477.1 last=abcdefghijkl,1234567,42,1704067200000
 * </pre>
 *
 * seconds: from start() until the last record is in the store, the table is running and, with --last-key, its row was read;
 * the start of the Java machine is not in it. cpu_seconds: of the whole process in the same time. rows: counted afterwards,
 * not in the time. last: the row of --last-key (customer, mantissa of the amount, qty, ts), "none" if there is none.
 *
 * A second run with the same --application and the same DIR is a warm restart (records=0); with an empty DIR it restores what
 * was committed from the topic, which is its own changelog (records=0, restored=..).
 *
 * The broker should have group.initial.rebalance.delay.ms=0: the peer would wait for it, and has no group to wait for. The
 * topic must end with records: a transaction's marker at an end would never be processed.
 */
public final class Table {
    private static final String STORE = "orders";
    private static final Duration LIMIT = Duration.ofMinutes(5);

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = options(arguments);
        String bootstrap = needed(options, "bootstrap");
        String topic = needed(options, "topic");
        Path state = Path.of(needed(options, "state"));
        int threads = Integer.parseInt(options.getOrDefault("threads", "2"));
        String application = options.getOrDefault("application", "peer-" + UUID.randomUUID());

        Progress progress = progress(bootstrap, topic, application);
        StreamsBuilder builder = new StreamsBuilder();
        builder.table(
                        topic,
                        Consumed.with(Serdes.Long(), Order.serde()),
                        Materialized.<Long, Order, KeyValueStore<Bytes, byte[]>>as(STORE).withCachingDisabled())
                .toStream()
                .process(progress.watch());

        Properties properties = properties(bootstrap, application, state, threads);
        KafkaStreams streams = new KafkaStreams(builder.build(properties), properties);
        streams.setGlobalStateRestoreListener(progress);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });

        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        long cpu = system.getProcessCpuTime();
        long started = System.nanoTime();
        streams.start();
        while (!progress.missing().await(1, TimeUnit.MILLISECONDS) || streams.state() != KafkaStreams.State.RUNNING) {
            if (streams.state().hasStartedOrFinishedShuttingDown() || System.nanoTime() - started > LIMIT.toNanos()) {
                System.err.println("the table did not get to the end of the topic: it is " + streams.state());
                System.exit(1);
            }
            if (progress.missing().getCount() == 0) {
                Thread.sleep(1);
            }
        }
        ReadOnlyKeyValueStore<Long, Order> store =
                streams.store(StoreQueryParameters.fromNameAndType(STORE, QueryableStoreTypes.keyValueStore()));
        Order last = null;
        if (options.containsKey("last-key")) {
            last = store.get(Long.parseLong(options.get("last-key")));
        }
        double seconds = (System.nanoTime() - started) / 1e9;
        double used = (system.getProcessCpuTime() - cpu) / 1e9;

        long rows = 0;
        try (KeyValueIterator<Long, Order> all = store.all()) {
            for (; all.hasNext(); all.next()) {
                rows++;
            }
        }
        System.out.println(String.format(
                Locale.ROOT,
                "records=%d restored=%d seconds=%.3f rows=%d cpu_seconds=%.2f peak_rss_mib=%.1f last=%s",
                progress.records(), progress.restored(), seconds, rows, used, peak(),
                last == null ? "none" : last.customer() + "," + last.amount() + "," + last.qty() + "," + last.ts()));
        streams.close(Duration.ofSeconds(30));
    }

    private static Properties properties(String bootstrap, String application, Path state, int threads) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        // The topic is the changelog: nothing is written back to Kafka.
        properties.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        properties.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksDb.class);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 << 20);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.RECEIVE_BUFFER_CONFIG), 1 << 20);
        // A static member comes back without a rebalance.
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), application);
        return properties;
    }

    private static Progress progress(String bootstrap, String topic, String application) {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, application);
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (Consumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties, bytes, bytes)) {
            Set<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(info -> new TopicPartition(topic, info.partition()))
                    .collect(Collectors.toSet());
            Map<Integer, Long> ends = new HashMap<>();
            consumer.endOffsets(partitions).forEach((partition, end) -> ends.put(partition.partition(), end));
            Map<Integer, Long> committed = new HashMap<>();
            consumer.committed(partitions).forEach((partition, offset) -> {
                if (offset != null) {
                    committed.put(partition.partition(), offset.offset());
                }
            });
            return new Progress(ends, committed);
        }
    }

    private static double peak() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
            }
        }
        return Double.NaN;
    }

    private static Map<String, String> options(String[] arguments) {
        Map<String, String> options = new HashMap<>();
        for (int at = 0; at + 1 < arguments.length; at += 2) {
            options.put(arguments[at].replaceFirst("^--", ""), arguments[at + 1]);
        }
        return options;
    }

    private static String needed(Map<String, String> options, String name) {
        String value = options.get(name);
        if (value == null) {
            System.err.println("--" + name + " is missing: --bootstrap HOST:PORT --topic NAME --state DIR"
                    + " [--last-key KEY] [--threads 2] [--application ID]");
            System.exit(2);
        }
        return value;
    }
}
