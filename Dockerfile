# A companion behind OpenAI's protocol, with its page: port 8460. The token is printed at the start.
#   docker build -t rapport . && docker run -p 8460:8460 rapport
#   docker run -p 8460:8460 -v ./cards:/cards -e OPENAI_API_KEY rapport \
#     rapport serve /cards --host 0.0.0.0 --model gpt-4o-mini
# No image was built where this was written: `make test-container` runs its lines without one.
FROM python:3.11-slim

RUN useradd --create-home rapport
WORKDIR /home/rapport/app
COPY pyproject.toml README.md LICENSE ./
COPY pipeline pipeline
COPY spiders spiders
COPY configs configs
RUN pip install --no-cache-dir .

USER rapport
WORKDIR /home/rapport
# What is compiled at the first start is kept in the image.
RUN echo "Hello there" | rapport chat
EXPOSE 8460
CMD ["rapport", "serve", "--host", "0.0.0.0"]
