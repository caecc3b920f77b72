# A small image that runs as an ordinary user and keeps everything in /data.
#
#   docker build -t tessera .
#   docker run -d --name tessera -p 8008:8008 -v tessera:/data -e TESSERA__SERVER_NAME=example.org tessera
#   docker logs tessera
#   docker exec tessera tessera user create alice --admin

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# The image brings its own Node.js, so the packaged one, for machines with an old one, stays out.
RUN npm run build \
 && npm prune --omit=dev \
 && rm -rf node_modules/node-linux-* node_modules/.bin/node node_modules/.cache

FROM node:24-slim
ENV NODE_ENV=production \
    TESSERA_DATA=/data \
    HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/bin bin
COPY --from=build /app/dist dist
RUN ln -s /app/bin/tessera.js /usr/local/bin/tessera \
 && install -d -o node -g node -m 750 /data
USER node
VOLUME /data
EXPOSE 8008 8448
# Asks the plain HTTP listener; one that serves HTTPS alone needs a check of its own.
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8008) + '/health').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node.js itself is process 1, so that it gets the signal to stop.
ENTRYPOINT ["node", "/app/bin/tessera.js"]
CMD ["serve"]
