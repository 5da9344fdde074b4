fn main() {
    println!("{:#}", handlers::openapi::document());
}
