//! The report as JUnit XML, which CI systems draw as a list of tests.

use std::fmt::Write;
use std::time::Duration;

use super::{CheckResult, Outcome, Report};

impl Report {
    /// One `testsuite` for the run, one `testcase` a check, named `group` and `name`.
    pub fn to_junit(&self) -> String {
        let (_, failed, skipped) = self.counts();
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(
            xml,
            "<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" \
             skipped=\"{skipped}\" time=\"{}\" timestamp=\"{}\">",
            escape(&self.url),
            self.results.len(),
            seconds(self.duration),
            escape(&self.started),
        );
        for result in &self.results {
            write_case(&mut xml, result);
        }
        xml.push_str("  </testsuite>\n</testsuites>\n");
        xml
    }
}

fn write_case(xml: &mut String, result: &CheckResult) {
    let _ = write!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escape(result.group),
        escape(result.name),
        seconds(result.duration)
    );
    let _ = match &result.outcome {
        Outcome::Passed => writeln!(xml, "/>"),
        Outcome::Failed(failure) => writeln!(
            xml,
            ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
            escape(&format!("expected {}", failure.expected)),
            escape(&format!(
                "request: {}\nexpected: {}\nactual: {}",
                failure.request, failure.expected, failure.actual
            ))
        ),
        Outcome::NotApplicable { reason } => {
            writeln!(xml, ">\n      <skipped message=\"{}\"/>\n    </testcase>", escape(reason))
        }
    };
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// Escapes for text and attributes. XML 1.0 has no way to write most control characters
/// (nor U+FFFE and U+FFFF), so they become U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use crate::report::example;

    #[test]
    fn junit_is_escaped_and_counts_right() {
        let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites>
  <testsuite name=\"http://127.0.0.1:8000\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" \
time=\"1.234\" timestamp=\"2026-11-20T12:00:00Z\">
    <testcase classname=\"health\" name=\"live\" time=\"0.012\"/>
    <testcase classname=\"tasks\" name=\"listed\" time=\"0.012\">
      <failure message=\"expected 200\">request: GET /api/v1/tasks?q=&lt;a&gt;&amp;limit=1&#10;\
expected: 200&#10;actual: 500 &quot;boom&quot; \u{fffd}</failure>
    </testcase>
    <testcase classname=\"cors\" name=\"allowed\" time=\"0.012\">
      <skipped message=\"no origin given\"/>
    </testcase>
  </testsuite>
</testsuites>
";
        assert_eq!(example().to_junit(), expected);
    }
}
