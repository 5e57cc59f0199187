revision=$(etcdctl endpoint status --write-out=json | grep -o '"revision":[0-9]*' | grep -o '[0-9]*')
etcdctl compact --physical "$revision" && etcdctl defrag # each member in turn
