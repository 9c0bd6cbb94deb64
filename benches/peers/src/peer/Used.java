package peer;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What the process took from here on: time, CPU, and memory up to when it is asked. */
final class Used {
    private final OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private final long cpu = system.getProcessCpuTime();
    private final long started = System.nanoTime();
    private double seconds;
    private double used;

    /** So far. */
    double seconds() {
        return (System.nanoTime() - started) / 1e9;
    }

    /** What is measured is over. */
    void end() {
        seconds = seconds();
        used = (system.getProcessCpuTime() - cpu) / 1e9;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "seconds=%.3f cpu_seconds=%.2f peak_rss_mib=%.1f", seconds, used, peak());
    }

    private static double peak() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
                }
            }
        } catch (IOException unknown) {
            // Not on this system.
        }
        return Double.NaN;
    }
}
