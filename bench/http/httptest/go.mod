module httptest

go 1.19
