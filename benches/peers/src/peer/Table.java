package peer;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
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
 * records=1000000 restored=0 rows=98010 seconds=6.512 cpu_seconds=10.90 peak_rss_mib=477.1 last=abcdefghijkl,1234567,42,1704067200000
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
    private static final double LIMIT = 300;
    private static final String USAGE =
            "--bootstrap HOST:PORT --topic NAME --state DIR [--last-key KEY] [--threads 2] [--application ID]";

    public static void main(String[] arguments) throws Exception {
        Application application = new Application(arguments, USAGE);
        String topic = application.needed("topic");
        Map<String, String> options = application.options();

        Progress progress = application.progress(topic);
        StreamsBuilder builder = new StreamsBuilder();
        builder.table(
                        topic,
                        Consumed.with(Serdes.Long(), Order.serde()),
                        Materialized.<Long, Order, KeyValueStore<Bytes, byte[]>>as(STORE).withCachingDisabled())
                .toStream()
                .process(progress.watch(false));

        Properties properties = application.properties();
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        KafkaStreams streams = new KafkaStreams(builder.build(properties), properties);
        streams.setGlobalStateRestoreListener(progress);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });

        Used used = new Used();
        streams.start();
        while (!progress.missing().await(1, TimeUnit.MILLISECONDS) || streams.state() != KafkaStreams.State.RUNNING) {
            if (streams.state().hasStartedOrFinishedShuttingDown() || used.seconds() > LIMIT) {
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
        used.end();

        long rows = 0;
        try (KeyValueIterator<Long, Order> all = store.all()) {
            for (; all.hasNext(); all.next()) {
                rows++;
            }
        }
        System.out.println(String.format(
                Locale.ROOT,
                "records=%d restored=%d rows=%d %s last=%s",
                progress.records(), progress.restored(), rows, used,
                last == null ? "none" : last.customer() + "," + last.amount() + "," + last.qty() + "," + last.ts()));
        streams.close(Duration.ofSeconds(30));
    }
}
