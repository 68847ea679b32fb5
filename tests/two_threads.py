"""Imported, it starts a thread that ends with the process."""

import threading

threading.Thread(target=threading.Event().wait, daemon=True).start()
