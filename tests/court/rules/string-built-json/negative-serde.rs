use serde_json::json;

fn body(path: &str, cpus: u32) -> String {
    json!({ "path": path, "cpus": cpus }).to_string()
}

fn counted(cpus: u32, path: &str) -> String {
    println!("{}", path);
    format!("{{\"cpus\": {}}}", cpus)
}

fn quoted(path: &str) -> Result<String, Error> {
    Ok(format!("{{\"path\": {}}}", serde_json::to_string(path)?))
}
