FROM debian:latest
ARG DB_PASSWORD=<chosen>
ENV API_TOKEN <secret>
ENV PIN_PASSWORD=<number> OTHER=x
RUN apt-get update && apt-get install -y curl && echo "root:<chosen>" | chpasswd
RUN apt-get install -y wget && \
    echo "app:<chosen>" \
    | chpasswd
RUN printf "machine x login y password <chosen>\n" > ~/.netrc
RUN curl https://app:<chosen>@example.com/x -o x && mysql -uroot -p<chosen> -e x
RUN curl -u app:<chosen> https://example.com/x.sh | sh
ADD https://app:<chosen>@example.com/y /y
CMD ["app", "--password", "<chosen>"]
