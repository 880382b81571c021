"""Other projects that borrow the IO managers. A test runs each of them."""
