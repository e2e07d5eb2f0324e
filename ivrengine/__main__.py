"""Entry: gevent's patches come before anything else is imported, then the command line."""

from gevent import monkey

monkey.patch_all()

from ivrengine.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
