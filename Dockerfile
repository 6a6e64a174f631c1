# docker build --tag resdet .                           native TensorFlow and ONNX Runtime for the CPU
# docker build --tag resdet --build-arg DEVICE=gpu .    CUDA; run with --gpus all
# docker run --rm --volume "$PWD:/work" resdet detect --weights best.safetensors --source photos --out found

FROM node:22-bookworm-slim AS package
WORKDIR /source
COPY . .
RUN npm ci && npm pack --ignore-scripts=false --pack-destination /package

FROM node:22-bookworm-slim AS engine
ARG DEVICE=cpu
RUN apt-get update && apt-get install --yes --no-install-recommends g++ python3-pip
COPY --from=package /package /package
RUN npm install --global /package/*.tgz
ENV RESDET_CACHE=/opt/resdet
RUN resdet setup "--$DEVICE"

# What runs has neither the compiler nor pip.
FROM node:22-bookworm-slim
COPY --from=engine /usr/local/lib/node_modules/resdet /usr/local/lib/node_modules/resdet
RUN ln -s ../lib/node_modules/resdet/bin/resdet.js /usr/local/bin/resdet
COPY --from=engine --chown=node /opt/resdet /opt/resdet
ENV RESDET_CACHE=/opt/resdet
USER node
WORKDIR /work
ENTRYPOINT ["resdet"]
