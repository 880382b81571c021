"""Publishers on the web: `tlc` and `datatalks`. One request at a time, politely, and never an error page for data.

    source.py       what others call: find, published, fetch
    publishers.py   who they are, as data
    uri.py          `tlc`, `datatalks://?base=http://mirror.example/files`: a publisher as people write it in a setting
    refusals.py     what a status that is no file means
    download.py     one file while it comes: what is there of it, whether the rest can follow
    client.py       one request: redirects, timeouts, proxies, who we say we are
    patience.py     how often something is tried, and how long is waited between
    host.py         what this process knows of a host: its pace, whom it refused, what was there

Nothing is imported here: settings ask `publishers.py` for its names at every start. urllib3 is loaded by the first
request.
"""
