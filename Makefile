# Makefile - short names for what a developer does. Meson and ninja do the building.

PREFIX  ?= /usr/local
DESTDIR ?=
PART    ?=

all:
	@tools/build

# Orders, the example: its tests, against a real PostgreSQL that Seam starts by itself.
demo:
	@tools/setup build run
	@tools/build
	build/seam test -tags integration -v ./examples/orders/...

# Everything that CI runs. tools/check names the steps and runs one alone as well. Where no Docker daemon can be had,
# what needs one is skipped.
check:
	@tools/setup build run check
	-@tools/setup docker
	@tools/with-docker tools/check

nightly:
	@tools/setup build run check
	@tools/nightly

lint:
	@tools/lint

bench:
	@tools/setup build run bench
	@tools/build release
	@SEAM=$(CURDIR)/build-release/seam bench/run $(PART)

install:
	@tools/build release --prefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C build-release --no-rebuild --quiet

clean:
	rm -rf build build-*

.PHONY: all demo check nightly lint bench install clean
