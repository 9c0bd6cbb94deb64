//! Samples in the text format of OpenMetrics, which Prometheus reads: written anew for each answer, so that nothing is shared with
//! what the program exports itself.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{METRICS, MetricKind, Overview, Sample};

/// What `/metrics` says it answers with.
#[cfg(feature = "http")]
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Overview {
    /// The metrics in the text format of OpenMetrics.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Collected(self.samples())));
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _ = text::encode(&mut out, &registry);
        out
    }
}

#[derive(Debug)]
struct Collected(Vec<Sample>);

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for metric in METRICS {
            let samples = self.0.iter().filter(|sample| sample.metric == metric);
            let mut samples = samples.peekable();
            if samples.peek().is_none() {
                continue;
            }
            let kind = match metric.kind {
                MetricKind::Counter => MetricType::Counter,
                MetricKind::Gauge => MetricType::Gauge,
            };
            // The format puts it behind the name of a counter.
            let name = metric.name.strip_suffix("_total").unwrap_or(metric.name);
            if metric.labels.is_empty() {
                let place = encoder.encode_descriptor(name, metric.help, None, kind)?;
                // Without labels there are no braces, and there is one sample.
                if let Some(sample) = samples.next() {
                    write(sample, place)?;
                }
                continue;
            }
            let mut family = encoder.encode_descriptor(name, metric.help, None, kind)?;
            for sample in samples {
                let names = metric.labels.iter().copied();
                let labels: Vec<(&str, String)> = names
                    .zip(sample.labels.iter().map(|label| escaped(label)))
                    .collect();
                write(sample, family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// A label as it stands in quotes: the library writes it as it is given.
fn escaped(label: &str) -> String {
    let label = label.replace('\\', "\\\\").replace('"', "\\\"");
    label.replace('\n', "\\n")
}

fn write(sample: &Sample, place: MetricEncoder<'_>) -> Result<(), fmt::Error> {
    match sample.metric.kind {
        MetricKind::Counter => ConstCounter::new(sample.value).encode(place),
        MetricKind::Gauge => ConstGauge::new(sample.value).encode(place),
    }
}

#[cfg(test)]
mod tests {
    use crate::operation::{Overview, StoreSize};

    #[test]
    fn the_text_has_units_types_and_escaped_labels() {
        let mut overview = Overview {
            uptime_seconds: 1.5,
            stores: vec![StoreSize {
                store: "a\"b\\c\nd".to_owned(),
                rows: 7,
                ..StoreSize::default()
            }],
            ..Overview::default()
        };
        overview.state.flush_seconds = 0.25;
        let text = overview.prometheus();
        for line in [
            "# TYPE ksql_uptime_seconds gauge",
            "ksql_uptime_seconds 1.5",
            "# TYPE ksql_state_flush_seconds counter",
            "ksql_state_flush_seconds_total 0.25",
            "ksql_store_rows{store=\"a\\\"b\\\\c\\nd\"} 7.0",
            "# EOF",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}\n{text}");
        }
    }
}
