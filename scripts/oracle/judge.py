"""Puts manifests to the unmodified back end of waggle-sensor/sage-ecr and prints its verdicts: one JSON object a line, in and out.

in:  {"id", "body": what POST /submit receives, "user"}; optional: "describe" (what `git describe` prints in the clone),
     "clone": "ok" | "fail" | "timeout", "force": true, "group": consecutive lines of one group see what the earlier ones left behind
out: {"id", "accepted", "status", "error"}, and "stored" of what is accepted, "html": true where the answer is not JSON

Nothing of Sage's code is edited. Its edges are replaced, so that thousands of manifests a minute can be judged:
1. git and tar answer without a process; `preprocess_repository` itself runs, and refuses arguments as `subprocess` would.
2. All of a line happens in one transaction of one connection, which is rolled back afterwards.
3. Tokens are looked up in memory, not in Redis, and any user name has one.
4. raw.githubusercontent.com answers 404: a plugin without pictures.
5. The folder for archives is a temporary one; messages show Sage's path.
"""

import contextlib
import json
import logging
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import types

SAGE_FOLDER = "/temp/ecr/"
COMMIT = "60c72a2" + "0" * 33
TABLES = ("Apps", "Sources", "Namespaces", "Repositories", "MetaFiles", "Permissions", "Builds", "Resources")


class Git:
    """`subprocess.run` and `run_command_communicate` for the four commands that Sage starts."""

    def __init__(self):
        self.describe, self.clone = "", ""

    def run(self, command, **options):
        for argument in command:
            if b"\0" in os.fsencode(argument):
                raise ValueError("embedded null byte")
        if self.clone == "fail":
            raise subprocess.CalledProcessError(128, command)
        if self.clone == "timeout":
            raise subprocess.TimeoutExpired(command, options["timeout"])

    def communicate(self, command, **_):
        if command[0] == "tar":
            archive = pathlib.Path(command[2])
            archive.touch()
            return b"", None, 0
        answer = self.describe if command[1] == "describe" else COMMIT
        return f"{answer}\n".encode(), None, 0


class Connection:
    """The one connection that every EcrDB object gets."""

    def __init__(self, ecrdb):
        self.connect, self.connection = ecrdb.MySQLdb.connect, None
        ecrdb.MySQLdb = types.SimpleNamespace(connect=self.shared)

    def shared(self, **options):
        if self.connection is None:
            self.connection = self.connect(**options)
        return types.SimpleNamespace(cursor=self.connection.cursor, commit=lambda: None)

    def forget(self):
        if self.connection is not None:
            self.connection.rollback()


class Tokens:
    """Stands in for the cache; every user that is named has a token."""

    def __init__(self, token_info):
        self.token_info = token_info

    def get(self, token):
        user = bytes.fromhex(token).decode()
        return self.token_info(user=user, is_admin=False, is_approved=True, scopes="")

    def set(self, token, info):
        pass


def load():
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.environ["SAGE_ECR_SOURCE"])
    import authenticators
    import config

    config.ecr_temp_dir = tempfile.mkdtemp(prefix="ecr-") + "/"
    import ecr_api
    import ecrdb

    logging.disable(logging.CRITICAL)
    database = ecrdb.EcrDB()
    database.initdb()
    for table in TABLES:
        database.execute(f"DELETE FROM {table}")
    database.db.commit()
    database.db.close()

    git = Git()
    stand_in = types.SimpleNamespace(**{name: getattr(subprocess, name) for name in ("Popen", "PIPE", "STDOUT", "TimeoutExpired")})
    stand_in.run = git.run
    ecr_api.subprocess, ecr_api.run_command_communicate = stand_in, git.communicate
    ecr_api.requests = types.SimpleNamespace(get=lambda url: types.SimpleNamespace(status_code=404, content=b""))
    ecr_api.token_cache = Tokens(authenticators.TokenInfo)
    return ecr_api, Connection(ecrdb), git


def submit(ecr_api, client, line):
    query = "?force=true" if line.get("force") else ""
    headers = {"Authorization": f"sage {line['user'].encode().hex()}"}
    try:
        response = client.post("/submit" + query, data=line["body"].encode(), headers=headers)
    except Exception as e:  # what submit() does not catch: production answers with a page in HTML
        return {"accepted": False, "status": 500, "error": f"{type(e).__name__}: {e}", "html": True}
    answer = response.get_json(silent=True)
    if response.status_code == 200:
        return {"accepted": True, "status": 200, "error": "", "stored": {key: answer[key] for key in ("id", "namespace", "name", "version")}}
    error = answer["error"].replace(ecr_api.config.ecr_temp_dir, SAGE_FOLDER)
    return {"accepted": False, "status": response.status_code, "error": re.sub(rf"({SAGE_FOLDER}tmp)\w+", r"\1", error)}


def main():
    ecr_api, connection, git = load()
    client, group = ecr_api.app.test_client(), None
    print(json.dumps({"ready": True}), flush=True)
    for text in sys.stdin:
        line = json.loads(text)
        if line.get("group") is None or line["group"] != group:
            connection.forget()
        group = line.get("group")
        git.describe, git.clone = line.get("describe", COMMIT[:7]), line.get("clone")
        print(json.dumps({"id": line["id"], **submit(ecr_api, client, line)}), flush=True)
    connection.forget()
    with contextlib.suppress(OSError):
        os.rmdir(ecr_api.config.ecr_temp_dir)


if __name__ == "__main__":
    main()
