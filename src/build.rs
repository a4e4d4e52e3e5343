//! The rules and the sample mails are compiled in; their change must rebuild.

fn main() {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=tests/mail/demo");
}
