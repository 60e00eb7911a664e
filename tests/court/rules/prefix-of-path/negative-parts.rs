use std::path::Path;

fn is_inside(path: &Path, root: &Path) -> bool {
    path.starts_with(root)
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}
