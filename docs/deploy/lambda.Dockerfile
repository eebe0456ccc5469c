# The edge on AWS Lambda: the baked image and the Lambda Web Adapter beside it. Never built: there was no Docker here.
#   docker build -t endcap-edge:baked --build-arg DATA=baked .
#   docker build -t endcap-lambda -f docs/deploy/lambda.Dockerfile --build-arg ADAPTER=... docs/deploy
# ADAPTER: the image of the AWS Lambda Web Adapter, 1.0.0-rc1 or newer, by the name that its README gives.
ARG ADAPTER
ARG EDGE=endcap-edge:baked
FROM ${ADAPTER} AS adapter
FROM ${EDGE}
COPY --from=adapter /lambda-adapter /opt/extensions/lambda-adapter
# One request at a time; what would come after the answer would stand still, so nothing is put off till then.
ENV AWS_LWA_PORT=8080 AWS_LWA_READINESS_CHECK_PATH=/readyz AWS_LWA_INVOKE_MODE=buffered AWS_LWA_ASYNC_INIT=true \
    ENDCAP_REDIS_CONNECTIONS=2 ENDCAP_SHADOW_PERCENT=0 ENDCAP_DRAIN_S=0
