# Three images: `receiver` (the default), the `collector` with our configurations, and the `demo` of docker-compose.yml.
# None runs as root, none needs a writable root file system.

# Tools that are built for glibc run here; what they make is plain JavaScript.
FROM node:24.19.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY scripts scripts
COPY src src
COPY tsconfig.json tsconfig.build.json ./
RUN node scripts/build.ts

FROM node:24.19.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

# The distribution's own image has no shell, so nothing in it could ask for its health.
FROM otel/opentelemetry-collector-contrib:0.155.0 AS otelcol

FROM alpine:3.22 AS collector
RUN adduser -D -H -u 10001 otelcol && mkdir -p /var/lib/otelcol && chown otelcol:otelcol /var/lib/otelcol
COPY --from=otelcol /otelcol-contrib /usr/local/bin/otelcol
COPY collector-config/agent.yaml collector-config/gateway.yaml collector-config/side-by-side.yaml /etc/otelcol/
USER otelcol
VOLUME /var/lib/otelcol
EXPOSE 4317 4318
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=6 \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:13133/"]
ENTRYPOINT ["otelcol"]
CMD ["--config=/etc/otelcol/agent.yaml"]

FROM node:24.19.0-alpine AS base
ENV NODE_ENV=production DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE NOTICE ./
USER node

FROM base AS demo
COPY examples/compose-demo demo
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=6 \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/"]
ENTRYPOINT ["node", "--import", "/app/dist/app/register.js", "demo/app.js"]

FROM base AS receiver
VOLUME /data
EXPOSE 4318 4320
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:4320/readyz"]
ENTRYPOINT ["node", "dist/app/main.js"]
CMD ["serve"]
