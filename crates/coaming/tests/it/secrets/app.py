password = "<chosen>"
if password == "<chosen>":
    client.set_auth_token("<secret>")
settings = {"db_password": "<chosen>", "api_key": "<secret>"}
