# cachelint as an image: `docker build -t cachelint .`, then
# `docker run --rm -v "$PWD:/repo:ro" cachelint`; without `:ro` and with `--user "$(id -u)"`, `--fix` works too.
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo install --locked --path . --root /out

FROM debian:bookworm-slim
COPY --from=build /out/bin/cachelint /usr/local/bin/cachelint
WORKDIR /repo
ENTRYPOINT ["cachelint"]
