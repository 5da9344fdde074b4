# The build: Rust and a C compiler for SQLite.
FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package trireme-tasks-native \
    && cp target/release/trireme /trireme

# The image: the binary, the system's certificates, and no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /trireme /usr/local/bin/trireme
ENV ENVIRONMENT=production PORT=8000
# /metrics listens on the container's loopback alone; see docs/deployment.md for ADMIN_BIND.
EXPOSE 8000
ENTRYPOINT ["/usr/local/bin/trireme"]
