from shared.db.migrate import run

run()
