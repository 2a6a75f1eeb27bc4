# An image with cachelint. Build it with `docker build -t cachelint .` and check a repository with
# `docker run --rm -v "$PWD:/repo:ro" cachelint`. For `--fix`, leave out `:ro` and add `--user "$(id -u)"`.
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo install --locked --path . --root /out

FROM debian:bookworm-slim
COPY --from=build /out/bin/cachelint /usr/local/bin/cachelint
WORKDIR /repo
ENTRYPOINT ["cachelint"]
