//! The child process of the launcher's test: starts both shared servers, says where they are, and waits to be killed.

use std::io::Write;

use ksql_runtime_tests::{servers, test_name};

fn main() -> std::io::Result<()> {
    let (Some(kafka), Some(registry)) = (
        servers::kafka_or_skip(test_name!()),
        servers::registry_or_skip(test_name!()),
    ) else {
        return Ok(());
    };
    let address = registry.url().trim_start_matches("http://");
    for (address, id, folder) in [
        (kafka.bootstrap(), kafka.id(), kafka.folder()),
        (
            address.split('/').next().unwrap_or_default(),
            registry.id(),
            registry.folder(),
        ),
    ] {
        let id = id.unwrap_or_default();
        writeln!(
            std::io::stdout(),
            "server {address} {id} {}",
            folder.display()
        )?;
    }
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}
