fn body(kernel_path: &str, arguments: &str) -> String {
    format!( /* found */
        r#"{{"kernel_image_path": "{}", "boot_args": "{}"}}"#,
        kernel_path, arguments
    )
}

fn named(vm_name: &str) -> String {
    format!("{{\"name\": \"{vm_name}\"}}") /* found */
}
