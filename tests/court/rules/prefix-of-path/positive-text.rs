fn is_inside(path: &str, base_dir: &str) -> bool {
    path.starts_with(base_dir) /* found */
}
